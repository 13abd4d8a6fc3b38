import type { AnyOperation } from '../http/operation';
import { listAuditRecords } from './list-records';
import { verifyAuditRecords } from './verify-records';

export const auditOperations = [listAuditRecords, verifyAuditRecords] as unknown as AnyOperation[];

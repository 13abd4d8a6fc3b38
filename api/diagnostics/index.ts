import type { AnyOperation } from '../http/operation';
import { explainRequest } from './explain-request';
import { getDeliverySummary } from './summarize-deliveries';

export const diagnosticOperations = [
  explainRequest,
  getDeliverySummary,
] as unknown as AnyOperation[];

import type { AnyOperation } from '../http/operation';
import { explainRequest } from './explain-request';
import { reportSla } from './report-sla';
import { getDeliverySummary } from './summarize-deliveries';

export const diagnosticOperations = [
  explainRequest,
  getDeliverySummary,
  reportSla,
] as unknown as AnyOperation[];

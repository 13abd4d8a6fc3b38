import type { AnyOperation } from '../http/operation';
import { exportDeliveryEventLog, exportEventLog } from './export-log';
import { listDeliveryEventLog, listEventLog } from './list-log';
import { publishEventOperation } from './publish-event';

export const eventOperations = [
  publishEventOperation,
  listEventLog,
  exportEventLog,
  listDeliveryEventLog,
  exportDeliveryEventLog,
] as unknown as AnyOperation[];

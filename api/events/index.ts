import type { AnyOperation } from '../http/operation';
import { publishEventOperation } from './publish-event';

export const eventOperations = [publishEventOperation] as unknown as AnyOperation[];

import type { AnyOperation } from '../http/operation';
import { cancelDeliveryOperation } from './cancel-delivery';
import { getDelivery } from './get-delivery';
import { listDeliveries } from './list-deliveries';

export const deliveryOperations = [
  listDeliveries,
  getDelivery,
  cancelDeliveryOperation,
] as unknown as AnyOperation[];

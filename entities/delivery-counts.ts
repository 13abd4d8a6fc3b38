import { deliveryOutcomes, FOREVER, outcomeTotal } from './delivery-outcomes';
import type { Executor } from './sql';
import type { DeliveryStatus } from './webhook-delivery';

/** An organization's deliveries by status, as far as they are kept. */
export type DeliveryCounts = Record<DeliveryStatus, number>;

export async function countDeliveries(db: Executor, orgId: string): Promise<DeliveryCounts> {
  const counts = await deliveryOutcomes(db, { orgId, testOnly: false }, new Date(0), FOREVER);
  return {
    pending: outcomeTotal(counts, 'pending'),
    delivered: outcomeTotal(counts, 'delivered'),
    failed: outcomeTotal(counts, 'failed') + outcomeTotal(counts, 'silent'),
    cancelled: outcomeTotal(counts, 'cancelled'),
  };
}

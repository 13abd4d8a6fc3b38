import { run, statement, type Executor } from './sql';
import type { DeliveryStatus } from './webhook-delivery';

/** An organization's deliveries by status, as far as they are kept. */
export type DeliveryCounts = Record<DeliveryStatus, number>;

const count = statement<{ status: DeliveryStatus; count: number }>(
  'count-deliveries',
  `SELECT status, count(*)::int AS count FROM webhook_deliveries WHERE org_id = $1 GROUP BY status`,
);

export async function countDeliveries(db: Executor, orgId: string): Promise<DeliveryCounts> {
  const counts: DeliveryCounts = { pending: 0, delivered: 0, failed: 0, cancelled: 0 };
  for (const row of await run(db, count, [orgId])) counts[row.status] = row.count;
  return counts;
}

import { run, statement, type Executor } from './sql';

const cancel = statement<{ id: string }>(
  'cancel-delivery',
  `UPDATE webhook_deliveries SET status = 'cancelled', next_at = NULL, finished_at = $2
   WHERE id = $1 AND status = 'pending' RETURNING id`,
);

/** Cancels a delivery that is still pending; whoever comes first decides. Answers whether this call did. */
export async function cancelDelivery(
  executor: Executor,
  deliveryId: string,
  now: Date,
): Promise<boolean> {
  const rows = await run(executor, cancel, [deliveryId, now]);
  return rows.length > 0;
}

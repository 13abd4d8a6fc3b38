import type { DataSource } from 'typeorm';
import { STANDARD_SCHEDULE } from '../../entities/delivery-schedule';
import { publishEvent } from '../../entities/publish-event';
import type { WebhookEndpoint } from '../../entities/webhook-endpoint';
import { newId } from '../../platform/ids';

/** Deliveries to one endpoint whose eight attempts have all failed, a second apart, the first at `from`. Answers their ids. */
export async function failedDeliveries(
  db: DataSource,
  endpoint: Pick<WebhookEndpoint, 'id' | 'orgId' | 'livemode'>,
  count: number,
  from: Date,
): Promise<string[]> {
  const { id: only, orgId, livemode } = endpoint;
  for (let n = 0; n < count; n++) {
    await publishEvent(db, {
      orgId,
      livemode,
      type: 'ping',
      dataText: JSON.stringify({ n }),
      requestId: newId('req'),
      now: new Date(from.getTime() + n * 1_000),
      schedule: STANDARD_SCHEDULE,
      only,
    });
  }
  const [rows] = await db.query<[{ id: string }[]]>(
    `UPDATE webhook_deliveries SET status = 'failed', step = 8, attempts = 8, next_at = NULL,
       finished_at = created_at + interval '42 h'
     WHERE endpoint_id = $1 AND status = 'pending' AND step = 0 RETURNING id`,
    [only],
  );
  return rows.map(({ id }) => id).sort();
}

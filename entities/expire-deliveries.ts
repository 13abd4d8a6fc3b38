import type { DataSource, EntityManager } from 'typeorm';
import type { DeliverySchedule } from './delivery-schedule';
import { emitEvent } from './publish-event';
import { run, statement } from './sql';

/** What is told of a delivery that has failed. */
export interface EndedDelivery {
  readonly id: string;
  readonly org_id: string;
  readonly livemode: boolean;
  readonly endpoint_id: string;
  readonly event_id: string;
  readonly event_type: string;
  readonly request_id: string;
  readonly attempts: number;
}

const expire = statement<EndedDelivery>(
  'expire-deliveries',
  `UPDATE webhook_deliveries d SET status = 'failed', finished_at = d.window_ends_at, next_at = NULL
   WHERE id IN (
     SELECT id FROM webhook_deliveries
     WHERE status = 'pending' AND window_ends_at <= $1 AND (claimed_until IS NULL OR claimed_until <= $1)
       AND CASE WHEN $2::text IS NULL THEN NOT has_workflow OR next_at < $3 AND window_ends_at < $3 ELSE id = $2 END
     LIMIT 100 FOR UPDATE SKIP LOCKED)
   RETURNING id, org_id, livemode, endpoint_id, event_id, event_type, request_id, attempts`,
);

/** How long after its window a delivery's workflow may take to fail it, before it is failed without (ms). */
const WORKFLOW_LATE_MS = 120_000;

/**
 * Fails deliveries whose window has ended: the one given, or up to 100 that no workflow owns or whose workflow let
 * the end pass. Answers how many.
 */
export async function expireDeliveries(
  db: DataSource,
  deliveryId: string | null,
  now: Date,
  schedule: DeliverySchedule,
): Promise<number> {
  return db.transaction(async (tx) => {
    const overdue = new Date(now.getTime() - WORKFLOW_LATE_MS);
    const expired = await run(tx, expire, [now, deliveryId, overdue]);
    const last = { httpStatus: null, error: 'window_ended', endedAt: now.getTime() };
    for (const delivery of expired) await emitExhausted(tx, delivery, last, schedule);
    return expired.length;
  });
}

/** Events about endpoints tell of no failure of their own. */
function isAboutEndpoints(eventType: string): boolean {
  return eventType.startsWith('webhook_endpoint.') || eventType.startsWith('webhook.delivery.');
}

/** Tells the organization's other endpoints that a delivery has failed for good. */
export async function emitExhausted(
  tx: EntityManager,
  delivery: EndedDelivery,
  last: {
    readonly httpStatus: number | null;
    readonly error: string | null;
    readonly endedAt: number;
  },
  schedule: DeliverySchedule,
): Promise<void> {
  if (isAboutEndpoints(delivery.event_type)) return;
  await emitEvent(tx, {
    orgId: delivery.org_id,
    livemode: delivery.livemode,
    type: 'webhook.delivery.exhausted',
    data: {
      deliveryId: delivery.id,
      webhookId: delivery.endpoint_id,
      eventId: delivery.event_id,
      eventType: delivery.event_type,
      attempts: delivery.attempts,
      lastStatus: last.httpStatus,
      lastError: last.error,
    },
    requestId: delivery.request_id,
    now: new Date(last.endedAt),
    except: delivery.endpoint_id,
    schedule,
  });
}

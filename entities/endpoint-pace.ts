import type { EntityManager } from 'typeorm';
import { run, statement, type Executor } from './sql';
import type { WebhookEndpoint } from './webhook-endpoint';

/** Slots that were not used in time are made up for within this: workers look at moments, not all the time. */
export const CATCH_UP = `interval '200 ms'`;
/** A slot that was reserved is good for this long; an attempt that comes later takes a new one. */
const SLOT_GOOD = `interval '2 s'`;

/** The time of one slot of an endpoint `p` with a limit. */
export const SLOT = `make_interval(secs => 1.0 / p.max_per_second)`;

const setPace = statement(
  'set-pace',
  `INSERT INTO endpoint_paces (endpoint_id, next_at) VALUES ($1, $2)
   ON CONFLICT (endpoint_id) DO UPDATE SET next_at = $2`,
);
const dropPace = statement('drop-pace', `DELETE FROM endpoint_paces WHERE endpoint_id = $1`);
const forgetSlots = statement(
  'forget-slots',
  `UPDATE webhook_deliveries SET slot_at = NULL
   WHERE endpoint_id = $1 AND slot_at IS NOT NULL AND status IN ('pending', 'failed')`,
);

/**
 * Sets how many attempts a second a locked endpoint takes, null: as many as come. The caller saves the endpoint first.
 * Deliveries are locked before the pace, as by who reserves a slot.
 */
export async function changePace(
  tx: EntityManager,
  { id, maxPerSecond }: WebhookEndpoint,
  now: Date,
): Promise<void> {
  await run(tx, forgetSlots, [id]);
  await (maxPerSecond === null ? run(tx, dropPace, [id]) : run(tx, setPace, [id, now]));
}

const reserve = statement<{ slot_at: Date | null }>(
  'reserve-slot',
  `WITH held AS (SELECT id, endpoint_id, slot_at FROM webhook_deliveries WHERE id = $2 FOR UPDATE),
   moved AS (
     UPDATE endpoint_paces e SET next_at = greatest(e.next_at, $1::timestamptz - ${CATCH_UP}) + ${SLOT}
     FROM held, webhook_endpoints p
     WHERE e.endpoint_id = held.endpoint_id AND p.id = held.endpoint_id AND p.max_per_second IS NOT NULL
       AND (held.slot_at IS NULL OR held.slot_at < $1::timestamptz - ${SLOT_GOOD})
     RETURNING e.next_at - ${SLOT} AS slot)
   UPDATE webhook_deliveries d SET slot_at = coalesce((SELECT slot FROM moved), held.slot_at)
   FROM held WHERE d.id = held.id RETURNING d.slot_at`,
);

/**
 * The moment at which a delivery of an endpoint with a limit may make its next attempt: one that it has reserved, or
 * the next that is free. The claim uses it up.
 */
export async function reserveSlot(db: Executor, deliveryId: string, now: Date): Promise<Date> {
  const [row] = await run(db, reserve, [now, deliveryId]);
  return row?.slot_at ?? now;
}

const take = statement(
  'take-slot',
  `UPDATE endpoint_paces e SET next_at = greatest(e.next_at, $1::timestamptz - ${CATCH_UP}) + ${SLOT}
   FROM webhook_endpoints p WHERE e.endpoint_id = $2 AND p.id = $2 AND e.next_at <= $1 RETURNING 1`,
);

/** Takes a slot if one is free now. */
export async function takeSlot(db: Executor, endpointId: string, now: Date): Promise<boolean> {
  return (await run(db, take, [now, endpointId])).length > 0;
}

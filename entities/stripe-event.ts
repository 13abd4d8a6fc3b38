import { run, statement, type Executor } from './sql';

/** An event that Stripe told; only its id is believed. */
export interface StripeEvent {
  readonly id: string;
  readonly type: string;
  readonly objectType: string;
  readonly objectId: string;
  readonly createdAt: Date;
}

/** How an event came first. */
type Via = 'webhook' | 'sweep';

export interface ArrivedEvent extends StripeEvent {
  readonly via: Via;
}

const RELEVANT =
  /^(checkout\.session\.|customer\.(subscription\.|(updated|deleted)$)|invoice\.(paid|payment_failed|payment_succeeded)$|payment_method\.(attached|detached)$|charge\.(dispute\.|refunded$)|refund\.)/;

/** Whether an event may change anything of ours. */
export const isRelevant = (type: string): boolean => RELEVANT.test(type);

/**
 * The events that Stripe's own list is asked for: at most 20, by their whole names. What else is relevant is told by one of
 * these too (an invoice by its subscription, the money of a dispute by the dispute).
 */
export const SWEPT_TYPES = [
  'checkout.session.async_payment_failed',
  'checkout.session.async_payment_succeeded',
  'checkout.session.completed',
  'checkout.session.expired',
  'customer.deleted',
  'customer.updated',
  'customer.subscription.created',
  'customer.subscription.deleted',
  'customer.subscription.paused',
  'customer.subscription.resumed',
  'customer.subscription.updated',
  'payment_method.attached',
  'payment_method.detached',
  'charge.dispute.closed',
  'charge.dispute.created',
  'charge.dispute.updated',
  'charge.refunded',
  'refund.created',
  'refund.failed',
  'refund.updated',
] as const;

const insert = statement<{ id: string }>(
  'insert-stripe-event',
  `INSERT INTO stripe_events (id, type, object_type, object_id, created_at, received_at, via)
   VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING RETURNING id`,
);

/** Stores an event once, for a worker to act on. Answers whether it is new. */
export async function storeStripeEvent(
  tx: Executor,
  event: StripeEvent,
  via: Via,
  now: Date,
): Promise<boolean> {
  const { id, type, objectType, objectId, createdAt } = event;
  const rows = await run(tx, insert, [id, type, objectType, objectId, createdAt, now, via]);
  return rows.length > 0;
}

const lease = statement<{ id: string; attempts: number }>(
  'lease-stripe-events',
  `UPDATE stripe_events SET leased_until = $1::timestamptz + interval '60 s', attempts = attempts + 1
   WHERE id = ANY (ARRAY(SELECT id FROM stripe_events WHERE applied_at IS NULL AND leased_until <= $1
     ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED))
   RETURNING id, attempts`,
);

/** Takes events that nobody has acted on yet, oldest first; what isn't finished is free again when its lease ends. */
export function leaseStripeEvents(
  db: Executor,
  now: Date,
  limit: number,
): Promise<{ id: string; attempts: number }[]> {
  return run(db, lease, [now, limit]);
}

const postpone = statement(
  'postpone-stripe-event',
  `UPDATE stripe_events SET leased_until = $2, outcome = left($3, 500) WHERE id = $1 AND applied_at IS NULL`,
);

/** Puts an event that could not be acted on back, to be tried again at `notBefore`. */
export async function postponeStripeEvent(
  db: Executor,
  id: string,
  notBefore: Date,
  error: string,
): Promise<void> {
  await run(db, postpone, [id, notBefore, error]);
}

const read = statement<{
  id: string;
  type: string;
  object_type: string;
  object_id: string;
  created_at: Date;
  via: Via;
}>('read-stripe-event', `SELECT * FROM stripe_events WHERE id = $1`);

export async function readStripeEvent(db: Executor, id: string): Promise<ArrivedEvent | null> {
  const [row] = await run(db, read, [id]);
  if (!row) return null;
  const { type, via, object_type: objectType, object_id: objectId, created_at: createdAt } = row;
  return { id, type, objectType, objectId, createdAt, via };
}

const mark = statement(
  'mark-stripe-event',
  `UPDATE stripe_events SET outcome = $2, applied_at = $3 WHERE id = $1`,
);

/** Notes what came of an event. */
export async function markApplied(
  db: Executor,
  id: string,
  outcome: string,
  now: Date,
): Promise<void> {
  await run(db, mark, [id, outcome, now]);
}

const readAt = statement<{ at: Date }>('read-mark', `SELECT at FROM stripe_marks WHERE name = $1`);
const writeAt = statement(
  'write-mark',
  `INSERT INTO stripe_marks AS m (name, at) VALUES ($1, $2)
   ON CONFLICT (name) DO UPDATE SET at = greatest(m.at, $2)`,
);

/** Up to when Stripe's list of events was read; null before the first time. */
export async function sweptUntil(db: Executor): Promise<Date | null> {
  const [row] = await run(db, readAt, ['events']);
  return row?.at ?? null;
}

export async function noteSwept(db: Executor, until: Date): Promise<void> {
  await run(db, writeAt, ['events', until]);
}

const arrivals = statement<{ by_webhook: number; by_sweep: number }>(
  'stripe-arrivals',
  `SELECT count(*) FILTER (WHERE via = 'webhook')::int AS by_webhook,
     count(*) FILTER (WHERE via = 'sweep')::int AS by_sweep
   FROM stripe_events WHERE received_at > $1::timestamptz - interval '1 day'`,
);

/** How the last day's events of Stripe came. */
export async function readStripeArrivals(
  db: Executor,
  now: Date,
): Promise<{ byWebhook: number; bySweep: number }> {
  const [row] = await run(db, arrivals, [now]);
  return { byWebhook: row?.by_webhook ?? 0, bySweep: row?.by_sweep ?? 0 };
}

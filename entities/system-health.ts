import { run, statement, type Executor } from './sql';

/** How the whole server is doing, over all organizations. */
export interface SystemHealth {
  readonly deliveries: {
    readonly pending: number;
    readonly failed: number;
    readonly successRate: number;
  };
  /** Seconds that the oldest command waits; 0 where none does. */
  readonly outboxAgeSeconds: number;
  readonly billing: {
    readonly openCheckouts: number;
    readonly paymentFailed: number;
    readonly restricted: number;
  };
}

const read = statement<{
  pending: number;
  failed: number;
  tried: number;
  ok: number;
  outbox_age: number;
  checkouts: number;
  payment_failed: number;
  restricted: number;
}>(
  'system-health',
  `SELECT (SELECT count(*) FROM webhook_deliveries WHERE status = 'pending')::int AS pending,
     (SELECT count(*) FROM webhook_deliveries WHERE status = 'failed' AND finished_at > $1::timestamptz - interval '1 day')::int AS failed,
     (SELECT count(*) FROM webhook_attempts WHERE created_at > $1::timestamptz - interval '1 hour')::int AS tried,
     (SELECT count(*) FROM webhook_attempts WHERE ok AND created_at > $1::timestamptz - interval '1 hour')::int AS ok,
     (SELECT coalesce(greatest(extract(epoch FROM $1 - min(due_at)), 0), 0) FROM outbox
       WHERE kind <> 'start_delivery')::int AS outbox_age,
     (SELECT count(*) FROM checkouts WHERE status = 'open')::int AS checkouts,
     (SELECT count(*) FROM organizations WHERE billing_state = 'payment_failed')::int AS payment_failed,
     (SELECT count(*) FROM organizations WHERE billing_state = 'restricted_read_only')::int AS restricted`,
);

/** Deliveries of the last hour and day, the outbox, and billing. */
export async function systemHealth(db: Executor, now: Date): Promise<SystemHealth> {
  const [row] = await run(db, read, [now]);
  if (!row) throw new Error('the figures are missing');
  const successRate = row.tried === 0 ? 1 : Math.round((row.ok / row.tried) * 1e4) / 1e4;
  return {
    deliveries: { pending: row.pending, failed: row.failed, successRate },
    outboxAgeSeconds: row.outbox_age,
    billing: {
      openCheckouts: row.checkouts,
      paymentFailed: row.payment_failed,
      restricted: row.restricted,
    },
  };
}

import { ofEverybody } from './fold-rollup';
import { run, statement, type Executor } from './sql';

/** How the whole server is doing, over all organizations. */
export interface SystemHealth {
  readonly deliveries: {
    readonly pending: number;
    /** In the last 24 hours. */
    readonly failed: number;
    /** Of attempts in this hour and the one before it. */
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
  `WITH span AS (SELECT date_trunc('hour', $1::timestamptz, 'UTC') - interval '1 hour' AS since),
   recent (ok, failed) AS (
     SELECT r.ok_count, r.error_count FROM attempt_rollups r, span WHERE r.grain = 'hour' AND r.starts_at >= span.since
     UNION ALL
     SELECT a.ok::int, (NOT a.ok)::int FROM webhook_attempts a, span
     WHERE a.xid >= (SELECT xid FROM rollup_marks WHERE name = 'attempts') AND a.created_at >= span.since
       AND ${ofEverybody('a')})
   SELECT (SELECT count(*) FROM webhook_deliveries WHERE status = 'pending')::int AS pending,
     (SELECT count(*) FROM webhook_deliveries WHERE status = 'failed' AND finished_at > $1::timestamptz - interval '1 day')::int AS failed,
     (SELECT coalesce(sum(ok + failed), 0) FROM recent)::int AS tried, (SELECT coalesce(sum(ok), 0) FROM recent)::int AS ok,
     (SELECT coalesce(greatest(extract(epoch FROM $1 - min(due_at)), 0), 0) FROM outbox
       WHERE kind <> 'start_delivery')::int AS outbox_age,
     (SELECT count(*) FROM checkouts WHERE status = 'open')::int AS checkouts,
     (SELECT count(*) FROM organizations WHERE billing_state = 'payment_failed')::int AS payment_failed,
     (SELECT count(*) FROM organizations WHERE billing_state = 'restricted_read_only')::int AS restricted`,
);

/** Deliveries, the outbox, and billing. */
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

import type { DataSource, EntityManager } from 'typeorm';
import { deliveryDelta } from './delivery-rollup';
import { run, statement } from './sql';

/** Attempts folded in one turn, about. */
const BATCH = 1_000;

const mark = statement<{ xid: string }>(
  'rollup-mark',
  `SELECT xid FROM rollup_marks WHERE name = 'attempts' FOR UPDATE SKIP LOCKED`,
);

/** Up to where the next turn may go: nothing at or after it can still commit before it. */
const limit = statement<{ high: string; more: boolean }>(
  'rollup-limit',
  `WITH beyond AS (SELECT xid FROM webhook_attempts WHERE xid > $1::xid8 ORDER BY xid OFFSET $2 LIMIT 1),
   safe AS (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xid)
   SELECT least(coalesce((SELECT xid FROM beyond), safe.xid), safe.xid) AS high,
     coalesce((SELECT xid FROM beyond) < safe.xid, false) AS more FROM safe`,
);

const GRAINS = `(VALUES ('hour'), ('day')) AS g (grain)`;

const foldAttemptCounts = statement(
  'fold-attempt-counts',
  `INSERT INTO attempt_rollups AS r (org_id, grain, starts_at, livemode, endpoint_id, event_type, http_status,
     ok_count, error_count, replay_count, last_seen_at)
   SELECT a.org_id, g.grain, date_trunc(g.grain, a.created_at, 'UTC'), a.livemode, a.endpoint_id, a.event_type,
     coalesce(a.http_status, 0), count(*) FILTER (WHERE a.ok), count(*) FILTER (WHERE NOT a.ok),
     count(*) FILTER (WHERE a.trigger = 'replay'), max(a.created_at)
   FROM webhook_attempts a, ${GRAINS}
   WHERE a.xid >= $1::xid8 AND a.xid < $2::xid8 GROUP BY 1, 2, 3, 4, 5, 6, 7
   ON CONFLICT (org_id, grain, starts_at, livemode, endpoint_id, event_type, http_status) DO UPDATE
   SET ok_count = r.ok_count + excluded.ok_count, error_count = r.error_count + excluded.error_count,
     replay_count = r.replay_count + excluded.replay_count,
     last_seen_at = greatest(r.last_seen_at, excluded.last_seen_at)`,
);

const foldDeliveryStates = statement(
  'fold-delivery-states',
  `WITH ${deliveryDelta('$1::xid8', '$2::xid8', () => 'true')},
   marked AS (
     UPDATE webhook_deliveries d SET counted_as = s.outcome, counted_bucket = s.bucket FROM state s
     WHERE d.id = s.id AND (s.counted_as IS NOT NULL OR s.outcome <> 'delivered'))
   INSERT INTO delivery_rollups AS r (org_id, grain, starts_at, livemode, outcome, bucket, count)
   SELECT org_id, g.grain, date_trunc(g.grain, created_at, 'UTC'), livemode, outcome, bucket, sum(n)
   FROM delta, ${GRAINS} GROUP BY 1, 2, 3, 4, 5, 6
   ON CONFLICT (org_id, grain, starts_at, livemode, outcome, bucket) DO UPDATE SET count = r.count + excluded.count`,
);

const advance = statement(
  'advance-rollup',
  `UPDATE rollup_marks SET xid = $1::xid8 WHERE name = 'attempts'`,
);

/**
 * Adds attempts that were committed since the last turn, and the deliveries they changed, to the counts by hour and
 * day: each exactly once, in the order of commits, by one worker at a time. Answers whether more wait.
 */
export async function foldAttempts(db: DataSource, batch = BATCH): Promise<boolean> {
  return db.transaction(async (tx) => {
    const [held] = await run(tx, mark, []);
    if (!held) return false;
    const [next] = await run(tx, limit, [held.xid, batch]);
    if (!next) return false;
    await run(tx, foldAttemptCounts, [held.xid, next.high]);
    await run(tx, foldDeliveryStates, [held.xid, next.high]);
    if (next.high !== held.xid) await run(tx, advance, [next.high]);
    return next.more;
  });
}

/** Above every transaction id. */
const ENDLESS = '18446744073709551615';

const foreign = statement<{ low: string; mark: string }>(
  'rollup-foreign',
  `SELECT greatest(m.xid, pg_snapshot_xmax(s.now)) AS low, least(m.xid, pg_snapshot_xmin(s.now)) AS mark
   FROM rollup_marks m, (SELECT pg_current_snapshot() AS now) s
   WHERE m.name = 'attempts' AND (m.xid >= pg_snapshot_xmax(s.now)
     OR EXISTS (SELECT FROM webhook_attempts a WHERE a.xid >= pg_snapshot_xmax(s.now)))
   FOR UPDATE OF m`,
);

/**
 * Adds attempts to the counts that came from another server's dump, whose transaction ids lie beyond this one's, and
 * puts the mark back to where this server is. The caller gives these attempts ids of the past, in the same transaction.
 */
export async function foldForeignAttempts(tx: EntityManager): Promise<void> {
  if ((await run(tx, foreign, [])).length === 0) return;
  // Nobody's attempt may appear between what is looked at and what is folded.
  await tx.query('LOCK TABLE webhook_attempts IN SHARE ROW EXCLUSIVE MODE');
  const [found] = await run(tx, foreign, []);
  if (!found) return;
  await run(tx, foldAttemptCounts, [found.low, ENDLESS]);
  await run(tx, foldDeliveryStates, [found.low, ENDLESS]);
  await run(tx, advance, [found.mark]);
}

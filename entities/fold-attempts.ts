import type { DataSource, EntityManager } from 'typeorm';
import { deliveryDelta } from './delivery-rollup';
import { foldForeign, foldRollup, GRAINS, ofEverybody, rollupOf } from './fold-rollup';
import { statement } from './sql';

const foldAttemptCounts = statement<Record<string, never>>(
  'fold-attempt-counts',
  `INSERT INTO attempt_rollups AS r (org_id, grain, starts_at, livemode, endpoint_id, event_type, http_status,
     ok_count, error_count, replay_count, last_seen_at)
   SELECT a.org_id, g.grain, date_trunc(g.grain, a.created_at, 'UTC'), a.livemode, a.endpoint_id, a.event_type,
     coalesce(a.http_status, 0), count(*) FILTER (WHERE a.ok), count(*) FILTER (WHERE NOT a.ok),
     count(*) FILTER (WHERE a.trigger = 'replay'), max(a.created_at)
   FROM webhook_attempts a, ${GRAINS}
   WHERE a.xid >= $1::xid8 AND a.xid < $2::xid8 AND ${ofEverybody('a')} GROUP BY 1, 2, 3, 4, 5, 6, 7
   ON CONFLICT (org_id, grain, starts_at, livemode, endpoint_id, event_type, http_status) DO UPDATE
   SET ok_count = r.ok_count + excluded.ok_count, error_count = r.error_count + excluded.error_count,
     replay_count = r.replay_count + excluded.replay_count,
     last_seen_at = greatest(r.last_seen_at, excluded.last_seen_at)`,
);

const foldDeliveryStates = statement<Record<string, never>>(
  'fold-delivery-states',
  `WITH ${deliveryDelta('$1::xid8', '$2::xid8', ofEverybody)},
   marked AS (
     UPDATE webhook_deliveries d SET counted_as = s.outcome, counted_bucket = s.bucket FROM state s
     WHERE d.id = s.id AND (s.counted_as IS NOT NULL OR s.outcome <> 'delivered'))
   INSERT INTO delivery_rollups AS r (org_id, grain, starts_at, livemode, outcome, bucket, count)
   SELECT org_id, g.grain, date_trunc(g.grain, created_at, 'UTC'), livemode, outcome, bucket, sum(n)
   FROM delta, ${GRAINS} GROUP BY 1, 2, 3, 4, 5, 6
   ON CONFLICT (org_id, grain, starts_at, livemode, outcome, bucket) DO UPDATE SET count = r.count + excluded.count`,
);

const ATTEMPTS = rollupOf('attempts', 'webhook_attempts', [foldAttemptCounts, foldDeliveryStates]);

/** Folds attempts, and the deliveries they changed, into the counts by hour and day; answers whether more wait. */
export function foldAttempts(db: DataSource, batch?: number): Promise<boolean> {
  return foldRollup(db, ATTEMPTS, batch);
}

/** Folds the attempts of another server's dump. */
export function foldForeignAttempts(tx: EntityManager): Promise<void> {
  return foldForeign(tx, ATTEMPTS);
}

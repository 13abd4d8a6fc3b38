import { FOREVER } from './delivery-outcomes';
import { STREAM_MARK } from './fold-stream-records';
import { inPart, rollupSpan, spanParts, spanValues } from './rollup-span';
import { run, statement, type Executor } from './sql';
import type { StreamSubscription } from './stream';

/** Records of one stream and event type. */
export interface StreamSummaryRow {
  readonly streamId: string;
  readonly eventType: string;
  readonly transport: StreamSubscription['transport'];
  readonly count: number;
  /** How many of them can still be read again: all that are kept, until their stream is deleted. */
  readonly replayableCount: number;
  readonly lastSeenAt: Date;
}

/** $1 organization, $2 test mode only, $3 to $6 the span, $7 since. */
const summary = statement<{
  stream_id: string;
  event_type: string;
  transport: StreamSubscription['transport'];
  count: number;
  replayable_count: number;
  last_seen_at: Date;
}>(
  'stream-summary',
  `WITH counted (stream_id, event_type, n, seen_at) AS (
     SELECT r.* FROM ${spanParts(3)} CROSS JOIN LATERAL (
       SELECT stream_id, event_type, count, last_seen_at FROM stream_rollups r WHERE ${inPart('r')} OFFSET 0) r
     UNION ALL
     SELECT stream_id, event_type, 1, recorded_at FROM stream_events t
     WHERE t.org_id = $1 AND t.xid >= ${STREAM_MARK} AND t.recorded_at >= $7::timestamptz
     UNION ALL
     SELECT r.stream_id, r.event_type, 1, t.recorded_at FROM stream_rollups r
     CROSS JOIN LATERAL (
       SELECT recorded_at FROM stream_events t WHERE t.stream_id = r.stream_id AND t.event_type = r.event_type
         AND (t.xid, t.id) >= (r.first_xid, r.first_id) AND (t.xid, t.id) <= (r.last_xid, r.last_id)
         AND t.xid < ${STREAM_MARK} AND t.recorded_at >= $7::timestamptz AND t.recorded_at < $3::timestamptz
       OFFSET 0) t
     WHERE r.org_id = $1 AND r.grain = 'hour' AND r.starts_at > $7::timestamptz - interval '1 hour'
       AND r.starts_at < $3::timestamptz)
   SELECT s.id AS stream_id, c.event_type, s.transport, c.count,
     CASE WHEN s.deleted_at IS NULL THEN c.count ELSE 0 END AS replayable_count, c.last_seen_at
   FROM (SELECT stream_id, event_type, sum(n)::int AS count, max(seen_at) FILTER (WHERE n > 0) AS last_seen_at
     FROM counted GROUP BY 1, 2 HAVING sum(n) > 0) c
   JOIN stream_subscriptions s ON s.id = c.stream_id
   WHERE NOT $2 OR NOT s.livemode
   ORDER BY c.count DESC, s.id, c.event_type LIMIT $8`,
);

/**
 * Records since a time, by stream and event type; the most frequent first. Exact, to the last commit: whole hours come
 * from the rollup, what isn't folded yet from the rows behind the mark, and the piece of an hour at the beginning from
 * the rows between the positions that the rollup noted for it (OFFSET 0: for each rollup, by index).
 */
export async function summarizeStreams(
  db: Executor,
  orgId: string,
  testOnly: boolean,
  since: Date,
  limit: number,
): Promise<StreamSummaryRow[]> {
  const span = spanValues(rollupSpan(since, FOREVER));
  const rows = await run(db, summary, [orgId, testOnly, ...span, since, limit]);
  return rows.map((row) => ({
    streamId: row.stream_id,
    eventType: row.event_type,
    transport: row.transport,
    count: row.count,
    replayableCount: row.replayable_count,
    lastSeenAt: row.last_seen_at,
  }));
}

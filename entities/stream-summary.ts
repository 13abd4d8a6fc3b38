import { run, statement, type Executor } from './sql';
import type { StreamSubscription } from './stream';

/** Records of one stream and event type. */
export interface StreamSummaryRow {
  readonly streamId: string;
  readonly eventType: string;
  readonly transport: StreamSubscription['transport'];
  readonly count: number;
  /** How many of them can still be read again: all, until their stream is deleted. */
  readonly replayableCount: number;
  readonly lastSeenAt: Date;
}

const summary = statement<{
  stream_id: string;
  event_type: string;
  transport: StreamSubscription['transport'];
  count: number;
  replayable_count: number;
  last_seen_at: Date;
}>(
  'stream-summary',
  `SELECT t.stream_id, t.event_type, s.transport, t.count,
     CASE WHEN s.deleted_at IS NULL THEN t.count ELSE 0 END AS replayable_count, t.last_seen_at
   FROM (SELECT stream_id, event_type, count(*)::int AS count, max(recorded_at) AS last_seen_at
     FROM stream_events WHERE org_id = $1 AND recorded_at >= $3 GROUP BY stream_id, event_type) t
   JOIN stream_subscriptions s ON s.id = t.stream_id
   WHERE NOT $2 OR NOT s.livemode
   ORDER BY t.count DESC, t.stream_id, t.event_type LIMIT $4`,
);

/** Records since a time, by stream and event type; the most frequent first. */
export async function summarizeStreams(
  db: Executor,
  orgId: string,
  testOnly: boolean,
  since: Date,
  limit: number,
): Promise<StreamSummaryRow[]> {
  const rows = await run(db, summary, [orgId, testOnly, since, limit]);
  return rows.map((row) => ({
    streamId: row.stream_id,
    eventType: row.event_type,
    transport: row.transport,
    count: row.count,
    replayableCount: row.replayable_count,
    lastSeenAt: row.last_seen_at,
  }));
}

import { FOREVER } from './delivery-outcomes';
import { idsBetween, inPart, rollupSpan, spanParts, spanValues } from './rollup-span';
import { run, statement, type Executor } from './sql';

/** Attempts at one endpoint, of one event type, with one HTTP status (null: no answer). */
export interface DeliverySummaryRow {
  readonly webhookId: string;
  readonly eventType: string;
  readonly status: number | null;
  readonly okCount: number;
  readonly errorCount: number;
  readonly replayCount: number;
  readonly count: number;
  readonly lastSeenAt: Date;
}

const ofMode = (row: string): string => `(NOT $2 OR NOT ${row}.livemode)`;
const COLUMNS = `a.endpoint_id, a.event_type, coalesce(a.http_status, 0), a.ok::int, (NOT a.ok)::int,
  (a.trigger = 'replay')::int, a.created_at`;

/** $1 organization, $2 test mode only, $3 to $6 the span, $7 since, $8 and $9 the ids up to the first whole hour. */
const summary = statement<{
  endpoint_id: string;
  event_type: string;
  http_status: number | null;
  ok_count: number;
  error_count: number;
  replay_count: number;
  count: number;
  last_seen_at: Date;
}>(
  'delivery-summary',
  `WITH counted (endpoint_id, event_type, http_status, ok, failed, replayed, seen_at) AS (
     SELECT r.* FROM ${spanParts(3)} CROSS JOIN LATERAL (
       SELECT endpoint_id, event_type, http_status, ok_count, error_count, replay_count, last_seen_at
       FROM attempt_rollups r WHERE ${inPart('r')} AND ${ofMode('r')} OFFSET 0) r
     UNION ALL
     SELECT ${COLUMNS} FROM webhook_attempts a
     WHERE a.org_id = $1 AND ${ofMode('a')} AND a.created_at >= $3
       AND a.xid >= (SELECT xid FROM rollup_marks WHERE name = 'attempts')
     UNION ALL
     SELECT a.* FROM webhook_endpoints p CROSS JOIN LATERAL (
       SELECT ${COLUMNS} FROM webhook_attempts a
       WHERE ${ofMode('a')} AND (a.endpoint_id, a.id) >= (p.id, 'wdel_' || $8::text)
         AND (a.endpoint_id, a.id) < (p.id, 'wdel_' || $9::text) AND a.created_at >= $7::timestamptz AND a.created_at < $3 OFFSET 0) a
     WHERE p.org_id = $1)
   SELECT endpoint_id, event_type, nullif(http_status, 0) AS http_status, sum(ok)::int AS ok_count,
     sum(failed)::int AS error_count, sum(replayed)::int AS replay_count, sum(ok + failed)::int AS count,
     max(seen_at) AS last_seen_at
   FROM counted GROUP BY counted.endpoint_id, counted.event_type, counted.http_status
   ORDER BY count DESC, endpoint_id, event_type, http_status LIMIT $10`,
);

/**
 * Attempts since a time, by endpoint, event type and HTTP status; the most frequent first. Exact, to the last commit:
 * whole hours come from the rollup, what isn't folded yet and the piece of an hour at the beginning from the rows
 * (OFFSET 0, and ids compared together with the endpoint's: endpoint by endpoint through their index, never everybody's
 * attempts of that hour).
 */
export async function summarizeDeliveries(
  db: Executor,
  orgId: string,
  testOnly: boolean,
  since: Date,
  limit: number,
): Promise<DeliverySummaryRow[]> {
  const span = rollupSpan(since, FOREVER);
  const [first, last] = idsBetween(since, span.hoursFrom);
  const values = [orgId, testOnly, ...spanValues(span), since, first, last, limit];
  const rows = await run(db, summary, values);
  return rows.map((row) => ({
    webhookId: row.endpoint_id,
    eventType: row.event_type,
    status: row.http_status,
    okCount: row.ok_count,
    errorCount: row.error_count,
    replayCount: row.replay_count,
    count: row.count,
    lastSeenAt: row.last_seen_at,
  }));
}

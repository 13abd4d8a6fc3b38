import { run, statement, type Executor } from './sql';

/** How the promise was kept: 99.9 % of deliveries to endpoints that answer arrive, first attempts within 5 s. */
export interface SlaFigures {
  readonly deliveries: number;
  readonly delivered: number;
  readonly excluded: readonly { readonly reason: string; readonly count: number }[];
  /** Delivered of those that count; 1 where none does. */
  readonly kept: number;
  readonly firstAttempt: {
    readonly p50Ms: number | null;
    readonly p95Ms: number | null;
    readonly p99Ms: number | null;
    /** The share of first attempts that ended within 5 s of the event; 1 where there is none. */
    readonly underFiveSeconds: number;
  };
}

const figures = statement<{
  deliveries: number;
  delivered: number;
  cancelled: number;
  pending: number;
  silent: number;
  p50: number | null;
  p95: number | null;
  p99: number | null;
  in_time: number | null;
}>(
  'sla-figures',
  `WITH d AS (
     SELECT d.status, d.created_at, a.ended_at,
       EXISTS (SELECT FROM webhook_attempts x WHERE x.delivery_id = d.id AND x.http_status IS NOT NULL) AS answered
     FROM webhook_deliveries d
     LEFT JOIN webhook_attempts a ON a.delivery_id = d.id AND a.attempt = 1
     WHERE d.org_id = $1 AND (NOT $2 OR NOT d.livemode) AND d.created_at >= $3 AND d.created_at < $4),
   f AS (SELECT extract(epoch FROM ended_at - created_at) * 1000 AS ms FROM d WHERE ended_at IS NOT NULL AND answered)
   SELECT (SELECT count(*) FROM d)::int AS deliveries,
     (SELECT count(*) FROM d WHERE status = 'delivered')::int AS delivered,
     (SELECT count(*) FROM d WHERE status = 'cancelled')::int AS cancelled,
     (SELECT count(*) FROM d WHERE status = 'pending')::int AS pending,
     (SELECT count(*) FROM d WHERE status = 'failed' AND NOT answered)::int AS silent,
     (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FROM f)::float AS p50,
     (SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY ms) FROM f)::float AS p95,
     (SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY ms) FROM f)::float AS p99,
     (SELECT avg(CASE WHEN ms < 5000 THEN 1 ELSE 0 END) FROM f)::float AS in_time`,
);

/** The figures of deliveries created between two moments. */
export async function slaFigures(
  db: Executor,
  orgId: string,
  testOnly: boolean,
  since: Date,
  until: Date,
): Promise<SlaFigures> {
  const [row] = await run(db, figures, [orgId, testOnly, since, until]);
  if (!row) throw new Error('the figures are missing');
  const { deliveries, delivered } = row;
  const excluded = [
    { reason: 'cancelled', count: row.cancelled },
    { reason: 'still pending', count: row.pending },
    { reason: 'the endpoint never answered', count: row.silent },
  ].filter(({ count }) => count > 0);
  const counted = deliveries - excluded.reduce((sum, { count }) => sum + count, 0);
  const round = (ms: number | null): number | null => (ms === null ? null : Math.round(ms));
  return {
    deliveries,
    delivered,
    excluded,
    kept: counted === 0 ? 1 : Math.round((delivered / counted) * 1e6) / 1e6,
    firstAttempt: {
      p50Ms: round(row.p50),
      p95Ms: round(row.p95),
      p99Ms: round(row.p99),
      underFiveSeconds: row.in_time ?? 1,
    },
  };
}

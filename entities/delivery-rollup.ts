import { bucketSql, NO_BUCKET } from './latency-buckets';

/**
 * How an ended delivery `d` counts, as SQL over its attempts: `outcome` (silent: failed, and the endpoint never
 * answered), the latency `bucket` of its first attempt, and `turned`: the attempt that delivered it lies in the range.
 */
function stateOf(low: string, high: string): string {
  return `SELECT d.id, d.org_id, d.livemode, d.created_at, d.counted_as, d.counted_bucket,
      CASE WHEN d.status = 'failed' AND NOT x.answered THEN 'silent' ELSE d.status END AS outcome,
      CASE WHEN x.answered AND x.first_ended IS NOT NULL THEN ${bucketSql(LATENCY)} ELSE ${NO_BUCKET} END AS bucket,
      d.status AS status
    FROM touched JOIN webhook_deliveries d ON d.id = touched.id
    CROSS JOIN LATERAL (
      SELECT coalesce(bool_or(a.http_status IS NOT NULL), false) AS answered,
        min(a.ended_at) FILTER (WHERE a.attempt = 1) AS first_ended,
        bool_or(a.ok AND a.ended_at = d.finished_at AND a.xid >= ${low} AND a.xid < ${high}) AS turned
      FROM webhook_attempts a WHERE a.delivery_id = d.id) x
    WHERE d.status <> 'pending' AND (d.status <> 'delivered' OR d.counted_as IS NOT NULL OR x.turned)`;
}

/** From the event to the end of the first attempt, in ms. */
const LATENCY = 'extract(epoch FROM x.first_ended - d.created_at) * 1000';

/**
 * What deliveries' counts change by, for attempts with low ≤ xid < high and for failed and cancelled deliveries that
 * no count holds yet: CTEs `touched`, `state` and `delta (org_id, livemode, created_at, outcome, bucket, n)`. Folding
 * writes the delta; reading adds it to what was folded. `ofOrg` narrows `a` and `u`.
 */
export function deliveryDelta(low: string, high: string, ofOrg: (row: string) => string): string {
  return `touched AS (
     SELECT a.delivery_id AS id FROM webhook_attempts a WHERE a.xid >= ${low} AND a.xid < ${high} AND ${ofOrg('a')}
     UNION
     SELECT u.id FROM webhook_deliveries u
     WHERE u.status IN ('failed', 'cancelled') AND u.counted_as IS NULL AND ${ofOrg('u')}),
   state AS (SELECT * FROM (${stateOf(low, high)}) s
     WHERE (s.counted_as, s.counted_bucket) IS DISTINCT FROM (s.outcome, s.bucket)),
   delta AS (
     SELECT org_id, livemode, created_at, counted_as AS outcome, counted_bucket AS bucket, -1 AS n
     FROM state WHERE counted_as IS NOT NULL
     UNION ALL
     SELECT org_id, livemode, created_at, outcome, bucket, 1 FROM state)`;
}

/** Delivered by the only attempt that was ever begun: that one answered, and ended when the delivery did. */
const AT_ONCE = `d.status = 'delivered' AND d.attempts = 1`;

/**
 * Every delivery from rows `d` as (outcome, bucket): what rollups hold of ended ones, and the pending ones besides. Its
 * attempts are looked at only where it was not delivered at once.
 */
export function deliveryStates(where: string): string {
  return `SELECT CASE WHEN d.status = 'failed' AND NOT x.answered THEN 'silent' ELSE d.status END AS outcome,
      CASE WHEN x.answered AND x.first_ended IS NOT NULL THEN ${bucketSql(LATENCY)} ELSE ${NO_BUCKET} END AS bucket
    FROM webhook_deliveries d
    CROSS JOIN LATERAL (
      SELECT true AS answered, d.finished_at AS first_ended WHERE ${AT_ONCE}
      UNION ALL
      SELECT coalesce(bool_or(a.http_status IS NOT NULL), false),
        min(a.ended_at) FILTER (WHERE a.attempt = 1)
      FROM webhook_attempts a WHERE a.delivery_id = d.id HAVING NOT (${AT_ONCE})) x
    WHERE ${where}`;
}

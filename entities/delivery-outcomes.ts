import { deliveryDelta, deliveryStates } from './delivery-rollup';
import { idsBetween, inPart, rollupSpan, spanParts, spanValues } from './rollup-span';
import { run, statement, type Executor } from './sql';

/** How a delivery stands; silent: it failed, and its endpoint never answered. */
export type DeliveryOutcome = 'pending' | 'delivered' | 'failed' | 'silent' | 'cancelled';

/** How many deliveries stand so, by the bucket of their first attempt's latency. */
export type OutcomeCounts = ReadonlyMap<DeliveryOutcome, ReadonlyMap<number, number>>;

/** After everything: the end of a span that takes in whatever there is. */
export const FOREVER = new Date('9999-01-01T00:00:00Z');

const ofMode = (row: string): string => `(NOT $2 OR NOT ${row}.livemode)`;
const inHours = (row: string): string =>
  `${row}.created_at >= $3::timestamptz AND ${row}.created_at < $6::timestamptz`;
const piece = (first: number): string =>
  deliveryStates(`d.org_id = $1 AND ${ofMode('d')} AND d.id >= 'wd_' || $${first + 2}::text
    AND d.id < 'wd_' || $${first + 3}::text AND d.created_at >= $${first}::timestamptz
    AND d.created_at < $${first + 1}::timestamptz`);

/** $1 organization, $2 test mode only, $3 to $6 the span, $7 to $10 and $11 to $14 its pieces (from, until, ids). */
const read = statement<{ outcome: DeliveryOutcome; bucket: number; count: number }>(
  'delivery-outcomes',
  `WITH mark AS (SELECT xid FROM rollup_marks WHERE name = 'attempts'),
   ${deliveryDelta('(SELECT xid FROM mark)', `'18446744073709551615'::xid8`, (row) => `${row}.org_id = $1`)},
   counted AS (
     SELECT r.* FROM ${spanParts(3)} CROSS JOIN LATERAL (
       SELECT outcome, bucket, count AS n FROM delivery_rollups r WHERE ${inPart('r')} AND ${ofMode('r')} OFFSET 0) r
     UNION ALL SELECT outcome, bucket, n FROM delta WHERE ${ofMode('delta')} AND ${inHours('delta')}
     UNION ALL SELECT outcome, bucket, 1 FROM (
       ${deliveryStates(`d.org_id = $1 AND d.status = 'pending' AND ${ofMode('d')} AND ${inHours('d')}`)}) waiting
     UNION ALL SELECT outcome, bucket, 1 FROM (${piece(7)}) first_piece
     UNION ALL SELECT outcome, bucket, 1 FROM (${piece(11)}) last_piece)
   SELECT outcome, bucket, sum(n)::int AS count FROM counted GROUP BY outcome, bucket HAVING sum(n) <> 0`,
);

/**
 * How the deliveries stand that were created in [since, until): exactly, to the last commit. Whole days and hours come
 * from rollups, what isn't folded yet and the pieces of hours at the ends from the rows.
 */
export async function deliveryOutcomes(
  db: Executor,
  owner: { readonly orgId: string; readonly testOnly: boolean },
  since: Date,
  until: Date,
): Promise<OutcomeCounts> {
  const span = rollupSpan(since, until);
  const none = { from: span.hoursFrom, until: span.hoursFrom };
  const pieces = [span.pieces[0] ?? none, span.pieces[1] ?? none].flatMap((part) => [
    part.from,
    part.until,
    ...idsBetween(part.from, part.until),
  ]);
  const values = [owner.orgId, owner.testOnly, ...spanValues(span), ...pieces];
  const counts = new Map<DeliveryOutcome, Map<number, number>>();
  for (const { outcome, bucket, count } of await run(db, read, values)) {
    const buckets = counts.get(outcome) ?? new Map<number, number>();
    counts.set(outcome, buckets.set(bucket, count));
  }
  return counts;
}

/** How many stand so in all. */
export function outcomeTotal(counts: OutcomeCounts, outcome: DeliveryOutcome): number {
  return [...(counts.get(outcome)?.values() ?? [])].reduce((sum, count) => sum + count, 0);
}

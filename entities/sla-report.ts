import { deliveryOutcomes, outcomeTotal } from './delivery-outcomes';
import { latencyAt, NO_BUCKET, shareUnderFiveSeconds } from './latency-buckets';
import type { Executor } from './sql';

/** How the promise was kept: 99.9 % of deliveries to endpoints that answer arrive, first attempts within 5 s. */
export interface SlaFigures {
  readonly deliveries: number;
  readonly delivered: number;
  readonly excluded: readonly { readonly reason: string; readonly count: number }[];
  /** Delivered of those that count, never rounded up to 1; 1 where none counts. */
  readonly kept: number;
  /** From the event to the end of the first attempt, of deliveries whose endpoint answered; within 2 %. */
  readonly firstAttempt: {
    readonly p50Ms: number | null;
    readonly p95Ms: number | null;
    readonly p99Ms: number | null;
    /** The share of first attempts that ended within 5 s of the event, exactly; 1 where there is none. */
    readonly underFiveSeconds: number;
  };
}

/** The figures of deliveries created in [since, until). */
export async function slaFigures(
  db: Executor,
  orgId: string,
  testOnly: boolean,
  since: Date,
  until: Date,
): Promise<SlaFigures> {
  const counts = await deliveryOutcomes(db, { orgId, testOnly }, since, until);
  const delivered = outcomeTotal(counts, 'delivered');
  const counted = delivered + outcomeTotal(counts, 'failed');
  const excluded = [
    { reason: 'cancelled', count: outcomeTotal(counts, 'cancelled') },
    { reason: 'still pending', count: outcomeTotal(counts, 'pending') },
    { reason: 'the endpoint never answered', count: outcomeTotal(counts, 'silent') },
  ].filter(({ count }) => count > 0);
  const latencies = new Map<number, number>();
  for (const buckets of counts.values()) {
    for (const [bucket, count] of buckets) {
      if (bucket !== NO_BUCKET) latencies.set(bucket, (latencies.get(bucket) ?? 0) + count);
    }
  }
  return {
    deliveries: counted + excluded.reduce((sum, { count }) => sum + count, 0),
    delivered,
    excluded,
    kept: counted === 0 ? 1 : Math.floor((delivered / counted) * 1e6) / 1e6,
    firstAttempt: {
      p50Ms: latencyAt(latencies, 0.5),
      p95Ms: latencyAt(latencies, 0.95),
      p99Ms: latencyAt(latencies, 0.99),
      underFiveSeconds: shareUnderFiveSeconds(latencies),
    },
  };
}

/** Each bucket of latencies is so much wider than the one before it; an estimate is off by half of that at most: 2 %. */
const GROWTH = 1.04;
/** 5 s is the lower bound of bucket 0, so that the share under it is exact. */
const ANCHOR_MS = 5_000;

/** No first attempt that ended, or the endpoint never answered. */
export const NO_BUCKET = 32_767;

/** The bucket of a latency given in SQL as milliseconds; under 1 ms counts as 1. */
export function bucketSql(ms: string): string {
  return `floor(ln(greatest(${ms}, 1)::float8 / ${ANCHOR_MS}) / ln(${GROWTH}::float8))::int`;
}

/** The value at a share (0 to 1) of counted latencies, in whole ms and within 2 %; null where there are none. */
export function latencyAt(counts: ReadonlyMap<number, number>, share: number): number | null {
  const buckets = [...counts].sort(([a], [b]) => a - b);
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);
  let left = Math.max(Math.ceil(total * share), 1);
  for (const [bucket, count] of buckets) {
    left -= count;
    if (left <= 0) return Math.round(ANCHOR_MS * GROWTH ** (bucket + 0.5));
  }
  return null;
}

/** The share of counted latencies under 5 s; 1 where there are none. */
export function shareUnderFiveSeconds(counts: ReadonlyMap<number, number>): number {
  let under = 0;
  let total = 0;
  for (const [bucket, count] of counts) {
    total += count;
    if (bucket < 0) under += count;
  }
  return total === 0 ? 1 : under / total;
}

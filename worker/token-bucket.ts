/** Permission to do so many things a second, with at most a second's worth saved up. */
export interface TokenBucket {
  /** Whole tokens at hand. */
  available(): number;
  take(count: number): void;
}

/** A bucket of `rate` tokens a second; Infinity always gives, 0 never. */
export function createTokenBucket(
  rate: number,
  nowMs: () => number = () => performance.now(),
): TokenBucket {
  const capacity = Math.max(rate, rate > 0 ? 1 : 0);
  let tokens = capacity;
  let refilledAt = nowMs();
  return {
    available() {
      if (rate === Infinity) return 1_000_000;
      const now = nowMs();
      tokens = Math.min(capacity, tokens + ((now - refilledAt) / 1_000) * rate);
      refilledAt = now;
      return Math.floor(tokens);
    },
    take(count) {
      if (rate !== Infinity) tokens -= count;
    },
  };
}

import type { DataSource } from 'typeorm';
import { drawRateTokens, RATE_WINDOW_MS, rateWindowStart } from '../../entities/rate-window';
import type { Clock } from '../../platform/clock';

/** What a request learned of its limit. */
export interface RateVerdict {
  readonly allowed: boolean;
  readonly limit: number;
  /** Requests left in this minute, as far as this process knows. */
  readonly remaining: number;
  /** Seconds until the minute ends. */
  readonly resetSeconds: number;
}

export interface RateLimiter {
  /** Takes one request of the subject's `limit` a minute, counted over all processes. Never throws. */
  take(subject: string, limit: number): Promise<RateVerdict>;
}

interface Stock {
  windowStart: number;
  /** Drawn and not handed out yet. */
  tokens: number;
  /** Taken by all processes, as the last draw saw it. */
  used: number;
  exhausted: boolean;
  drawing: Promise<void> | null;
}

const CHUNKS = 20;
const MOST_CHUNK = 100;
const MOST_SUBJECTS = 50_000;

/**
 * Hands out requests from chunks that are drawn from the database ahead of need, so that a request costs no row. When
 * the database can't be asked, requests pass and `onAway` is told.
 */
export function createRateLimiter(
  db: DataSource,
  clock: Clock,
  onAway: () => void = () => undefined,
): RateLimiter {
  const stocks = new Map<string, Stock>();

  function stockOf(subject: string, windowStart: number): Stock {
    const known = stocks.get(subject);
    if (known && known.windowStart === windowStart) return known;
    if (!known && stocks.size >= MOST_SUBJECTS) stocks.clear();
    const fresh = { windowStart, tokens: 0, used: 0, exhausted: false, drawing: null };
    stocks.set(subject, fresh);
    return fresh;
  }

  function draw(subject: string, stock: Stock, limit: number): Promise<void> {
    const wanted = Math.min(Math.max(Math.floor(limit / CHUNKS), 1), MOST_CHUNK);
    stock.drawing ??= drawRateTokens(db, {
      subject,
      windowStart: stock.windowStart,
      wanted,
      limit,
    })
      .then(({ granted, used }) => {
        stock.tokens += granted;
        stock.used = used;
        stock.exhausted = granted === 0;
      })
      .catch(() => {
        onAway();
        stock.tokens += wanted;
      })
      .finally(() => {
        stock.drawing = null;
      });
    return stock.drawing;
  }

  return {
    async take(subject, limit) {
      const now = clock.now().getTime();
      const stock = stockOf(subject, rateWindowStart(now));
      while (stock.tokens === 0 && !stock.exhausted) await draw(subject, stock, limit);
      const allowed = stock.tokens > 0;
      if (allowed) stock.tokens--;
      const lowAt = Math.min(Math.floor(limit / CHUNKS), MOST_CHUNK) / 2;
      if (stock.tokens < lowAt && !stock.exhausted) void draw(subject, stock, limit);
      return {
        allowed,
        limit,
        remaining: allowed ? Math.max(limit - stock.used + stock.tokens, 0) : 0,
        resetSeconds: Math.max(Math.ceil((stock.windowStart + RATE_WINDOW_MS - now) / 1_000), 1),
      };
    },
  };
}

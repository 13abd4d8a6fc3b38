import { run, statement, type Executor } from './sql';

export const RATE_WINDOW_MS = 60_000;

/** When the minute that holds `now` began (ms since 1970). All processes share these windows. */
export function rateWindowStart(now: number): number {
  return now - (now % RATE_WINDOW_MS);
}

const draw = statement<{ granted: string; used: string }>(
  'draw-rate-tokens',
  `INSERT INTO rate_windows AS w (subject, window_starts_at, used) VALUES ($1, $2, least($3::bigint, $4::bigint))
   ON CONFLICT (subject) DO UPDATE SET window_starts_at = greatest(w.window_starts_at, $2),
     used = CASE WHEN w.window_starts_at < $2 THEN least($3::bigint, $4::bigint)
       ELSE greatest(w.used, least(w.used + $3::bigint, $4::bigint)) END
   RETURNING used, CASE WHEN old.subject IS NULL OR old.window_starts_at < $2 THEN used
     ELSE used - old.used END AS granted`,
);

/**
 * Takes up to `wanted` requests of the subject's `limit` in this minute, for one process to hand out: many requests
 * cost one row update. Answers how many it got and how many all processes have taken.
 */
export async function drawRateTokens(
  db: Executor,
  options: {
    readonly subject: string;
    readonly windowStart: number;
    readonly wanted: number;
    readonly limit: number;
  },
): Promise<{ granted: number; used: number }> {
  const { subject, windowStart, wanted, limit } = options;
  const [row] = await run(db, draw, [subject, new Date(windowStart), wanted, limit]);
  return { granted: Number(row?.granted ?? 0), used: Number(row?.used ?? 0) };
}

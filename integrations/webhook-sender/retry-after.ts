import { DAY_MS } from '../../platform/clock';

/** A Retry-After counts to a day at most. */
export const MAX_RETRY_AFTER_MS = DAY_MS;

/** The wait (ms) that a Retry-After header asks for: seconds or an HTTP date. Null for anything else, or a past date. */
export function parseRetryAfter(value: string | null, now: Date): number | null {
  const text = value?.trim() ?? '';
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1_000, MAX_RETRY_AFTER_MS);
  if (!/^[A-Za-z]{3,9},? /.test(text)) return null;
  const waitMs = Date.parse(text) - now.getTime();
  return waitMs > 0 ? Math.min(waitMs, MAX_RETRY_AFTER_MS) : null;
}

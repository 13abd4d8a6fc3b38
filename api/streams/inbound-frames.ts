import { z } from 'zod';
import type { FilingFilters } from './socket-frames';
import type { SocketLimits } from './socket-limits';

const MOST_VALUES = 200;
const list = z
  .union([
    z.array(z.string().max(64)),
    z
      .string()
      .max(4_096)
      .transform((text) => text.split(',')),
  ])
  .transform((values) => [...new Set(values.map((value) => value.trim()).filter(Boolean))])
  .refine((values) => values.length <= MOST_VALUES, `must name ${MOST_VALUES} at most`);

/** Forms or tickers: an array, or text with commas. */
export const filterList = list;

const clientFrame = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ping') }),
  z.object({
    type: z.literal('update_filters'),
    forms: list.nullish(),
    tickers: list.nullish(),
  }),
]);

export type ClientFrame =
  | { readonly type: 'ping' }
  | { readonly type: 'update_filters'; readonly filters: Partial<FilingFilters> }
  | { readonly type: 'bad'; readonly code: 'invalid_json' | 'invalid_request'; message: string };

/** What a client's frame says; `bad` where it says nothing that is understood, and why. */
export function readClientFrame(text: string | null): ClientFrame {
  if (text === null) {
    return { type: 'bad', code: 'invalid_json', message: 'Frames are JSON text, not binary.' };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { type: 'bad', code: 'invalid_json', message: 'The frame is not valid JSON.' };
  }
  const parsed = clientFrame.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = issue?.path.join('.') || 'frame';
    const message = `${path}: ${issue?.message ?? 'is invalid'}`;
    return { type: 'bad', code: 'invalid_request', message };
  }
  const frame = parsed.data;
  if (frame.type === 'ping') return frame;
  const { forms, tickers } = frame;
  return {
    type: 'update_filters',
    filters: { ...(forms ? { forms } : {}), ...(tickers ? { tickers } : {}) },
  };
}

/** Counts what a client sends. */
export interface Inflow {
  /** `pass`, `warn` (the first one too many: it is told), `drop`, or `flood` (enough is enough). */
  take(nowMs: number): { verdict: 'pass' | 'warn' | 'drop' | 'flood'; retryAfterMs: number };
}

/** A bucket of `burst` frames that fills by `perSecond`; whoever goes on when it is empty is cut off after `strikes`. */
export function createInflow(
  limits: Pick<SocketLimits, 'burst' | 'perSecond' | 'strikes'>,
): Inflow {
  const { burst, perSecond, strikes } = limits;
  let tokens = burst;
  let filledAt: number | null = null;
  let over = 0;
  return {
    take(nowMs) {
      const elapsedMs = filledAt === null ? 0 : Math.max(nowMs - filledAt, 0);
      filledAt = nowMs;
      tokens = Math.min(burst, tokens + (elapsedMs * perSecond) / 1_000);
      const retryAfterMs = Math.max(Math.ceil(((1 - tokens) * 1_000) / perSecond), 0);
      if (tokens >= 1) {
        tokens -= 1;
        if (tokens > burst / 2) over = 0;
        return { verdict: 'pass', retryAfterMs: 0 };
      }
      over += 1;
      if (over > strikes) return { verdict: 'flood', retryAfterMs };
      return { verdict: over === 1 ? 'warn' : 'drop', retryAfterMs };
    },
  };
}

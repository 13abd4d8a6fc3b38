import type { AttemptOutcome } from './record-attempt';

/** Replays a second unless the caller says otherwise. */
export const DEFAULT_PER_SECOND = 50;
export const MOST_PER_SECOND = 200;
/** A recovery feels its way up from here, since its endpoint has just failed. */
const FIRST_RATE = 10;
const SLOWEST_RATE = 1;
const GROWTH = 1.5;
/** More trouble than this in a page halves the rate. */
const BEARABLE = 0.2;
const LONGEST_HOLD_MS = 300_000;

/** What came of a page of replays. */
export interface PageOutcome {
  readonly made: number;
  /** Failures that tell of an endpoint in trouble. */
  readonly troubled: number;
  /** The longest wait that the endpoint asked for (ms). */
  readonly askedMs: number;
}

export function firstRate(perSecond: number): number {
  return Math.min(perSecond, FIRST_RATE);
}

/**
 * Whether a failure tells of an endpoint that can't bear more: no answer, 5xx, 408 or 429. Another 4xx refuses the
 * one event, and is no reason to slow down.
 */
export function isTrouble({ ok, httpStatus }: AttemptOutcome): boolean {
  return !ok && (httpStatus === null || httpStatus >= 500 || [408, 429].includes(httpStatus));
}

/** The rate after a page: halved by trouble, down to one a second, else half as much again, up to the bound. */
export function nextRate(rate: number, perSecond: number, page: PageOutcome): number {
  if (page.made === 0) return rate;
  if (page.troubled / page.made > BEARABLE) return Math.max(rate / 2, SLOWEST_RATE);
  return Math.min(rate * GROWTH, perSecond);
}

/** How long to leave the endpoint alone because it asked for it (Retry-After), five minutes at most. */
export function holdMs(page: PageOutcome): number {
  return Math.min(page.askedMs, LONGEST_HOLD_MS);
}

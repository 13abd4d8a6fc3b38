import { HOUR_MS } from '../platform/clock';

/** When a delivery's attempts are made. Kept on each delivery, so that a changed setting leaves waiting ones alone. */
export interface DeliverySchedule {
  /** Seconds to wait after each failed scheduled attempt; one attempt more than there are waits. */
  readonly waitsSeconds: readonly number[];
  /** How long after its creation a delivery stays open for retries and replays. */
  readonly windowSeconds: number;
}

/** At once, then after 30 s, 2 min, 10 min, 1 h, 4 h, 12 h and 24 h, inside 72 h. */
export const STANDARD_SCHEDULE: DeliverySchedule = {
  waitsSeconds: [30, 120, 600, 3_600, 14_400, 43_200, 86_400],
  windowSeconds: 72 * 3_600,
};

/** Up to a tenth of the wait is added, from the third attempt on, so that retries spread. */
const JITTER = 0.1;
const FIRST_JITTERED_STEP = 2;
/** A Retry-After lengthens a wait to this at most. */
const LONGEST_RETRY_AFTER_MS = 24 * HOUR_MS;

export interface FailedAttempt {
  /** Scheduled outcomes so far, this one included. */
  readonly step: number;
  readonly waitsSeconds: readonly number[];
  readonly endedAt: Date;
  readonly windowEndsAt: Date;
  /** What the endpoint asked for, in ms; null where it asked for nothing. */
  readonly retryAfterMs: number | null;
  /** 0 ≤ random < 1. */
  readonly random: number;
}

/**
 * What follows a failed scheduled attempt: the time of the next one, or `failed` after the last, or `expire` where
 * none fits before the window ends (the delivery fails then). Never earlier than the schedule says; a Retry-After
 * only lengthens a wait.
 */
export function afterFailure(attempt: FailedAttempt): { next: Date } | 'failed' | 'expire' {
  const waitSeconds = attempt.waitsSeconds[attempt.step - 1];
  if (waitSeconds === undefined) return 'failed';
  const jitter = attempt.step >= FIRST_JITTERED_STEP ? 1 + JITTER * attempt.random : 1;
  const scheduledMs = Math.ceil(waitSeconds * 1_000 * jitter);
  const askedMs = Math.min(attempt.retryAfterMs ?? 0, LONGEST_RETRY_AFTER_MS);
  const next = new Date(attempt.endedAt.getTime() + Math.max(scheduledMs, askedMs));
  return next < attempt.windowEndsAt ? { next } : 'expire';
}

import fc from 'fast-check';
import { afterFailure, STANDARD_SCHEDULE } from '../../entities/delivery-schedule';

const { waitsSeconds, windowSeconds } = STANDARD_SCHEDULE;
const createdAt = new Date('2026-03-19T12:00:00.000Z');
const windowEndsAt = new Date(createdAt.getTime() + windowSeconds * 1_000);
const DAY_MS = 86_400_000;

function next(step: number, more: Partial<Parameters<typeof afterFailure>[0]> = {}) {
  return afterFailure({
    step,
    waitsSeconds,
    endedAt: createdAt,
    windowEndsAt,
    retryAfterMs: null,
    random: 0,
    ...more,
  });
}

describe('what follows a failed attempt', () => {
  it('is the schedule’s wait, counted from the end of the attempt', () => {
    const waits = waitsSeconds.map((_, i) => next(i + 1));
    expect(waits).toEqual(
      waitsSeconds.map((wait) => ({ next: new Date(createdAt.getTime() + wait * 1_000) })),
    );
  });

  it('is the end after the 8th', () => {
    expect(next(8)).toBe('failed');
  });

  it('is never early, and at most a tenth late from the third attempt on', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 7 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (step, random) => {
          const then = next(step, { random });
          const waitMs = (waitsSeconds[step - 1] ?? 0) * 1_000;
          const madeMs = typeof then === 'object' ? then.next.getTime() - createdAt.getTime() : NaN;
          expect(madeMs).toBeGreaterThanOrEqual(waitMs);
          expect(madeMs).toBeLessThanOrEqual(step === 1 ? waitMs : waitMs * 1.1 + 1);
        },
      ),
    );
  });

  it('is lengthened by a Retry-After, to a day at most, and never shortened', () => {
    const asked = (retryAfterMs: number) => {
      const then = next(1, { retryAfterMs });
      return typeof then === 'object' ? then.next.getTime() - createdAt.getTime() : then;
    };
    expect(asked(5_000)).toBe(30_000);
    expect(asked(90_000)).toBe(90_000);
    expect(asked(10 * 365 * DAY_MS)).toBe(DAY_MS);
  });

  it('is expiry where no attempt fits before the window ends', () => {
    const endedAt = new Date(windowEndsAt.getTime() - 60_000);
    expect(next(1, { endedAt })).toEqual({ next: new Date(endedAt.getTime() + 30_000) });
    expect(next(2, { endedAt })).toBe('expire');
    expect(next(1, { endedAt, retryAfterMs: DAY_MS })).toBe('expire');
  });
});

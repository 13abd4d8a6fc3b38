import type { DataSource } from 'typeorm';
import { claimPacedAttempts, type PacedAttempt } from '../entities/claim-paced';
import { MINUTE_MS } from '../platform/clock';
import {
  createFirstAttempts,
  type FirstAttempts,
  type FirstAttemptsOptions,
} from './first-attempts';

/** Slots that come closer together than this are taken together. */
const SHORTEST_MS = 25;
/** So long after the last one, a new delivery is looked for at once and not with the next poll. */
const BUSY_MS = MINUTE_MS;

/**
 * Makes first attempts to endpoints with a limit, each when its slot comes. A loop of its own, so that endpoints
 * without a limit pay nothing for it.
 */
export function createPacedAttempts(
  options: Omit<FirstAttemptsOptions, 'name' | 'claim'> & { readonly db: DataSource },
): FirstAttempts {
  const { db, clock } = options;
  const timers = new Map<string, NodeJS.Timeout>();
  let busyUntil = 0;

  const loop = createFirstAttempts({
    ...options,
    name: 'paced first attempts',
    async claim(query) {
      const claimed = await claimPacedAttempts(db, query);
      if (claimed.length > 0) busyUntil = clock.now().getTime() + BUSY_MS;
      for (const attempt of claimed) wakeForNext(attempt);
      return claimed;
    },
  });

  function wakeForNext({ endpointId, nextSlotAt }: PacedAttempt): void {
    clearTimeout(timers.get(endpointId));
    const waitMs = Math.max(nextSlotAt.getTime() - clock.now().getTime() + 1, SHORTEST_MS);
    const wake = (): void => {
      timers.delete(endpointId);
      loop.wake();
    };
    timers.set(endpointId, setTimeout(wake, waitMs));
  }

  return {
    ...loop,
    wake() {
      if (clock.now().getTime() < busyUntil) loop.wake();
    },
    async stop() {
      for (const timer of timers.values()) clearTimeout(timer);
      await loop.stop();
    },
  };
}

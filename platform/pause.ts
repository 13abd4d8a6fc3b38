import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves after `ms`, or at once when the signal aborts: for waits that may end early. */
export async function pause(ms: number, early: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: early }).catch(() => undefined);
}

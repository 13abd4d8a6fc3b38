import { setTimeout as pause } from 'node:timers/promises';

const POLL_MS = 200;

/** Asks until it is so; answers false where it was not within `ms`. A question that fails was answered no. */
export async function settled(isSo: () => Promise<boolean>, ms: number): Promise<boolean> {
  for (const until = Date.now() + ms; ; await pause(POLL_MS)) {
    if (await isSo().catch(() => false)) return true;
    if (Date.now() > until) return false;
  }
}

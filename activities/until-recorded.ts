import { setTimeout as pause } from 'node:timers/promises';
import type { AttemptOutcome } from '../entities/record-attempt';
import { isDatabaseAway } from '../platform/fault';
import type { Log } from '../platform/log';

const RETRY_MS = 500;
/** How long a write that Postgres itself refuses is tried again: then its claim has lapsed, and nobody waits for it. */
const GIVE_UP_MS = 20_000;

/**
 * Writes what came of attempts: they were made, so it goes on for as long as Postgres is away, however long, and ends
 * only where Postgres answers and refuses them until their claims have lapsed. Answers what `write` answered, or
 * undefined where it was given up.
 */
export async function untilRecorded<Value>(
  outcomes: readonly AttemptOutcome[],
  write: () => Promise<Value>,
  options: {
    readonly log: Log;
    readonly nowMs: () => number;
    /** Told each time that Postgres is found away. */
    readonly onAway?: () => void;
  },
): Promise<Value | undefined> {
  for (;;) {
    try {
      return await write();
    } catch (error) {
      options.log.warn({ err: error, attempts: outcomes.length }, 'recording attempts failed');
      const newest = Math.max(...outcomes.map(({ endedAt }) => endedAt));
      if (isDatabaseAway(error)) options.onAway?.();
      else if (options.nowMs() - newest > GIVE_UP_MS) return undefined;
      await pause(RETRY_MS);
    }
  }
}

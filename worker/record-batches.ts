import type { DataSource } from 'typeorm';
import { untilRecorded } from '../activities/until-recorded';
import type { DeliverySchedule } from '../entities/delivery-schedule';
import {
  recordFailure,
  recordSuccesses,
  type AttemptOutcome,
  type Recorded,
} from '../entities/record-attempt';
import type { Log } from '../platform/log';

const BATCH = 100;
/** How long a success may wait for others to be written with it: nobody waits for the row, and each write costs a flush. */
const LINGER_MS = 20;

/** Takes outcomes of first attempts and writes them, successes many at a time; goes on trying while Postgres is away. */
export interface Recorder {
  record(outcome: AttemptOutcome): void;
  /** Whether outcomes wait for a database that was away: nothing new must be claimed before they are written. */
  isHeldUp(): boolean;
  /** Resolves when everything taken so far is written or given up. */
  drain(): Promise<void>;
}

export function createRecorder(deps: {
  readonly db: DataSource;
  readonly log: Log;
  readonly schedule: DeliverySchedule;
  /** Told of deliveries that arrived and whose claim still stood, after the commit. */
  readonly onDelivered: (outcome: AttemptOutcome) => void;
  readonly recorded?: Recorded;
  /** Told after a failure was written: there is a command to carry. */
  readonly onFailed: () => void;
}): Recorder {
  const { db, log, schedule, recorded, onDelivered, onFailed } = deps;
  const successes: AttemptOutcome[] = [];
  const failures: AttemptOutcome[] = [];
  let writing: Promise<void> | null = null;
  let lingering: NodeJS.Timeout | undefined;
  let heldUp = false;

  async function write(): Promise<void> {
    try {
      await writeAll();
    } finally {
      heldUp = false;
    }
  }

  async function writeAll(): Promise<void> {
    while (successes.length > 0 || failures.length > 0) {
      const batch = successes.splice(0, BATCH);
      if (batch.length > 0) {
        const stood = new Set(await persist(batch, () => recordSuccesses(db, batch)));
        for (const outcome of batch) {
          if (!stood.has(outcome.deliveryId)) continue;
          recorded?.(outcome, 'delivered');
          onDelivered(outcome);
        }
      }
      const few = failures.splice(0, 4);
      await Promise.all(
        few.map((failure) =>
          persist([failure], async () => {
            const status = await recordFailure(db, failure, schedule);
            if (status !== null) recorded?.(failure, status);
          }),
        ),
      );
      if (few.length > 0) onFailed();
    }
  }

  const persist = <Value>(
    outcomes: readonly AttemptOutcome[],
    act: () => Promise<Value>,
  ): Promise<Value | undefined> =>
    untilRecorded(outcomes, act, { log, nowMs: Date.now, onAway: () => void (heldUp = true) });

  function start(): void {
    clearTimeout(lingering);
    lingering = undefined;
    writing ??= write().finally(() => {
      writing = null;
      if (successes.length > 0 || failures.length > 0) start();
    });
  }

  return {
    record(outcome) {
      (outcome.ok ? successes : failures).push(outcome);
      if (!outcome.ok || successes.length >= BATCH) start();
      else lingering ??= setTimeout(start, LINGER_MS);
    },
    isHeldUp: () => heldUp,
    async drain() {
      if (successes.length > 0 || failures.length > 0) start();
      while (writing) await writing;
    },
  };
}

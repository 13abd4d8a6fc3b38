import type { DataSource } from 'typeorm';
import type { DeliverySchedule } from '../entities/delivery-schedule';
import { recordFailure, recordSuccesses, type AttemptOutcome } from '../entities/record-attempt';
import type { Log } from '../platform/log';

const BATCH = 100;
const RETRY_MS = 500;
/** A claim stands 20 s; later than this another attempt may have taken its place, and the row says outcome_unknown. */
const GIVE_UP_MS = 20_000;

/** Takes outcomes of first attempts and writes them, successes many at a time; goes on trying while Postgres is away. */
export interface Recorder {
  record(outcome: AttemptOutcome): void;
  /** Resolves when everything taken so far is written or given up. */
  drain(): Promise<void>;
}

export function createRecorder(deps: {
  readonly db: DataSource;
  readonly log: Log;
  readonly schedule: DeliverySchedule;
  /** Told of deliveries that arrived, after the commit. */
  readonly onDelivered: (outcome: AttemptOutcome) => void;
  /** Told after a failure was written: there is a command to carry. */
  readonly onFailed: () => void;
}): Recorder {
  const { db, log, schedule, onDelivered, onFailed } = deps;
  const successes: AttemptOutcome[] = [];
  const failures: AttemptOutcome[] = [];
  let writing: Promise<void> | null = null;

  async function write(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (successes.length > 0 || failures.length > 0) {
      const batch = successes.splice(0, BATCH);
      if (batch.length > 0) {
        await persist(batch, () => recordSuccesses(db, batch));
        for (const outcome of batch) onDelivered(outcome);
      }
      const few = failures.splice(0, 4);
      await Promise.all(
        few.map((failure) => persist([failure], () => recordFailure(db, failure, schedule))),
      );
      if (few.length > 0) onFailed();
    }
  }

  async function persist(outcomes: AttemptOutcome[], act: () => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await act();
        return;
      } catch (error) {
        const newest = Math.max(...outcomes.map((outcome) => outcome.endedAt));
        log.warn({ err: error, attempts: outcomes.length }, 'recording attempts failed');
        if (Date.now() - newest > GIVE_UP_MS) return;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  function start(): void {
    writing ??= write().finally(() => {
      writing = null;
      if (successes.length > 0 || failures.length > 0) start();
    });
  }

  return {
    record(outcome) {
      (outcome.ok ? successes : failures).push(outcome);
      start();
    },
    async drain() {
      while (writing) await writing;
    },
  };
}

import { Context } from '@temporalio/activity';
import type { DataSource } from 'typeorm';
import { pruneRecords } from '../entities/prune-records';
import type { Clock } from '../platform/clock';
import type { Log } from '../platform/log';

/** Between two statements others get their turn. */
const PAUSE_MS = 20;

export interface RetentionActivities {
  /** Drops what is older than it is kept, and heartbeats after each batch. Answers the rows by table, none left out but zeros. */
  pruneRecords(): Promise<Record<string, number>>;
}

export function createRetentionActivities(deps: {
  readonly db: DataSource;
  readonly clock: Clock;
  readonly log: Log;
  readonly retentionDays: number;
}): RetentionActivities {
  const { db, clock, log, retentionDays } = deps;
  return {
    async pruneRecords() {
      const context = Context.current();
      const pruned = await pruneRecords(db, { now: clock.now(), retentionDays }, async (soFar) => {
        context.heartbeat(soFar);
        await context.sleep(PAUSE_MS);
      });
      const some = pruned.filter(({ rows }) => rows > 0);
      const dropped = Object.fromEntries(some.map(({ table, rows }) => [table, rows]));
      log.info({ dropped }, 'old records were dropped');
      return dropped;
    },
  };
}

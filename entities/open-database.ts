import type { DataSource } from 'typeorm';
import { StartError } from '../platform/or-exit';
import type { Log } from '../platform/log';
import { migrationState, requireMigrated } from './migration-state';

const RETRY_MS = 500;

/** Connects, trying again for as long as Postgres is away. Throws a StartError where its migrations aren't ours. */
export async function openDatabase(db: DataSource, log: Log): Promise<void> {
  for (;;) {
    try {
      if (!db.isInitialized) await db.initialize();
      requireMigrated(await migrationState(db));
      return;
    } catch (error) {
      if (error instanceof StartError) throw error;
      log.warn({ err: error }, 'Postgres is away; trying again');
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

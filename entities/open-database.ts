import type { DataSource } from 'typeorm';
import type { Catalog } from '../catalog/load-catalog';
import { StartError } from '../platform/or-exit';
import type { Log } from '../platform/log';
import { migrationState, requireMigrated } from './migration-state';
import { requirePlansInUse } from './plans-in-use';

const RETRY_MS = 500;

/**
 * Connects, trying again for as long as Postgres is away. Throws a StartError where its migrations aren't ours, or
 * organizations are on plans that the catalogue lacks.
 */
export async function openDatabase(db: DataSource, log: Log, catalog: Catalog): Promise<void> {
  for (;;) {
    try {
      if (!db.isInitialized) await db.initialize();
      requireMigrated(await migrationState(db));
      await requirePlansInUse(db, catalog);
      return;
    } catch (error) {
      if (error instanceof StartError) throw error;
      log.warn({ err: error }, 'Postgres is away; trying again');
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

import { readSettings } from '../platform/config';
import { messageOf } from '../platform/message-of';
import { orExit } from '../platform/or-exit';
import { createDataSource } from './data-source';
import { migrationState, refuseUnknownMigrations } from './migration-state';

/**
 * Brings the database at `url` to the newest migration, each on its own: what fails midway goes on from there. Safe to
 * repeat and to run from several places at once. Throws a StartError, and changes nothing, where a newer version
 * migrated it.
 */
export async function migrate(url: string): Promise<string[]> {
  const dataSource = createDataSource({
    url,
    poolSize: 2,
    applicationName: 'secapi-migrate',
    statementTimeoutMs: 0,
  });
  await dataSource.initialize();
  const lock = dataSource.createQueryRunner();
  try {
    await lock.query('SELECT pg_advisory_lock(726163)');
    refuseUnknownMigrations(await migrationState(dataSource));
    const done = await dataSource.runMigrations({ transaction: 'each' });
    return done.map((migration) => migration.name);
  } finally {
    await lock.query('SELECT pg_advisory_unlock(726163)').catch(() => undefined);
    await lock.release();
    await dataSource.destroy();
  }
}

async function main(): Promise<void> {
  const { DATABASE_URL: url } = await orExit(() => readSettings(process.env, ['DATABASE_URL']));
  const names = await orExit(() => migrate(url));
  console.log(names.length > 0 ? `Migrated: ${names.join(', ')}` : 'Nothing to migrate.');
}

if (require.main === module) {
  main().catch((error: unknown) => {
    console.error(`The migration failed: ${messageOf(error)}`);
    process.exit(1);
  });
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { QueryRunner } from 'typeorm';
import { readSettings } from '../platform/config';
import { messageOf } from '../platform/message-of';
import { orExit } from '../platform/or-exit';
import { createDataSource } from './data-source';
import { migrationState, refuseUnknownMigrations } from './migration-state';

const LOOK_AGAIN_MS = 200;

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
    await alone(lock);
    refuseUnknownMigrations(await migrationState(dataSource));
    const done = await dataSource.runMigrations({ transaction: 'each' });
    return done.map((migration) => migration.name);
  } finally {
    await lock.query('SELECT pg_advisory_unlock(726163)').catch(() => undefined);
    await lock.release();
    await dataSource.destroy();
  }
}

/**
 * Takes the lock that one migrates under. Asked for again and again, since a statement that waited for it would itself
 * be waited for by whoever has it and builds an index beside the work.
 */
async function alone(lock: QueryRunner): Promise<void> {
  for (;;) {
    const [row] = (await lock.query('SELECT pg_try_advisory_lock(726163) AS taken')) as {
      taken: boolean;
    }[];
    if (row?.taken) return;
    await sleep(LOOK_AGAIN_MS);
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

import { createDataSource } from './data-source';

/** Brings the database at `url` to the newest migration. Safe to repeat and to run from several places at once. */
export async function migrate(url: string): Promise<string[]> {
  const dataSource = createDataSource({ url, poolSize: 2, applicationName: 'secapi-migrate' });
  await dataSource.initialize();
  const lock = dataSource.createQueryRunner();
  try {
    await lock.query('SELECT pg_advisory_lock(726163)');
    const done = await dataSource.runMigrations({ transaction: 'all' });
    return done.map((migration) => migration.name);
  } finally {
    await lock.query('SELECT pg_advisory_unlock(726163)').catch(() => undefined);
    await lock.release();
    await dataSource.destroy();
  }
}

if (require.main === module) {
  const url = process.env['DATABASE_URL'];
  if (!url) {
    console.error('DATABASE_URL is not set: it names the Postgres to migrate.');
    process.exit(1);
  }
  migrate(url).then(
    (names) =>
      console.log(names.length > 0 ? `Migrated: ${names.join(', ')}` : 'Nothing to migrate.'),
    (error: unknown) => {
      console.error(
        `The migration failed: ${error instanceof Error ? error.message : String(error)}`,
      );
      process.exit(1);
    },
  );
}

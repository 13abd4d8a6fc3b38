import { loadCatalog } from '../../catalog/load-catalog';
import { migrate } from '../../entities/migrate';
import { migrationState, requireMigrated } from '../../entities/migration-state';
import { openDatabase } from '../../entities/open-database';
import { createLog } from '../../platform/log';
import { freshDatabase, type TestDatabase } from '../support/database';

describe('a database and the version that opens it', () => {
  let database: TestDatabase;
  const log = createLog('test', 'silent');
  beforeEach(async () => {
    database = await freshDatabase();
  });
  afterEach(() => database.close());

  /** Columns, indexes and constraints of all tables. */
  const schema = () =>
    database.db.query(
      `SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
         WHERE table_schema = 'public' AND table_name <> 'migrations'
       UNION ALL SELECT tablename, indexname, indexdef, NULL, NULL FROM pg_indexes WHERE schemaname = 'public'
       UNION ALL SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), NULL, NULL FROM pg_constraint
         WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2, 3`,
    );

  /** Undoes the migration that builds indexes beside the work, and whatever came after it. */
  async function undoCoveringIndexes(): Promise<void> {
    const isDone = `SELECT FROM migrations WHERE name LIKE 'CoveringIndexes%'`;
    while ((await database.db.query<unknown[]>(isDone)).length > 0) {
      await database.db.undoLastMigration({ transaction: 'each' });
    }
  }

  it('agree after a migration; another migrates nothing', async () => {
    expect(await migrate(database.url)).toEqual([]);
    await openDatabase(database.db, log, loadCatalog());
  });

  it('do not start together where a newer version migrated it, nor is it migrated', async () => {
    await database.db.query(
      `INSERT INTO migrations (timestamp, name) VALUES (1999999999999, 'Later1999999999999')`,
    );
    await database.db.query(
      `DELETE FROM migrations WHERE name = (SELECT name FROM migrations ORDER BY timestamp LIMIT 1)`,
    );
    await expect(migrate(database.url)).rejects.toThrow(/newer version.*Later1999999999999/);
    await expect(openDatabase(database.db, log, loadCatalog())).rejects.toThrow(/newer version/);
    expect((await migrationState(database.db)).missing).toHaveLength(1);
  });

  it('do not start together where a migration is missing', async () => {
    await database.db.query(
      `DELETE FROM migrations WHERE name = (SELECT max(name) FROM migrations)`,
    );
    await expect(openDatabase(database.db, log, loadCatalog())).rejects.toThrow(
      /Run `npm run migrate` first/,
    );
  });

  it('do not start together where nothing was ever migrated', async () => {
    await database.db.query('DROP TABLE migrations');
    const state = await migrationState(database.db);
    expect(state.missing.length).toBeGreaterThan(3);
    expect(() => requireMigrated(state)).toThrow(/lacks/);
  });

  it('are brought together by one of several that migrate at once; the others find nothing to do', async () => {
    await undoCoveringIndexes();
    const done = await Promise.all([migrate(database.url), migrate(database.url)]);
    expect(done.map((names) => names.length > 0).sort()).toEqual([false, true]);
  });

  it('come back to the same tables and indexes when every migration is undone and done again', async () => {
    const before = await schema();
    const { length } = database.db.migrations;
    for (let i = 0; i < length; i++) await database.db.undoLastMigration({ transaction: 'each' });
    const left = await database.db.query(
      `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`,
    );
    expect(left).toEqual([{ tablename: 'migrations' }]);
    expect(await migrate(database.url)).toHaveLength(length);
    expect(await schema()).toEqual(before);
  });

  it.each([
    [
      'before the new index took its place',
      'CREATE INDEX stream_events_type_new ON stream_events (id)',
    ],
    [
      'before the old index was dropped',
      `ALTER INDEX stream_events_type RENAME TO stream_events_type_old;
       CREATE INDEX stream_events_type ON stream_events (stream_id, event_type, xid, id) INCLUDE (recorded_at)`,
    ],
  ])('come to the same indexes when a migration broke off %s and is run again', async (_, left) => {
    const before = await schema();
    await undoCoveringIndexes();
    await database.db.query(left);
    await migrate(database.url);
    expect(await schema()).toEqual(before);
  });
});

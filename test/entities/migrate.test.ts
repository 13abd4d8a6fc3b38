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
});

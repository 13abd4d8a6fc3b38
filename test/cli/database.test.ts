import { withDatabase } from '../../cli/database';
import { StartError } from '../../platform/or-exit';
import { freshDatabase, type TestDatabase } from '../support/database';

describe('a command on a database', () => {
  let database: TestDatabase;
  const before = process.env['DATABASE_URL'];
  beforeEach(async () => {
    database = await freshDatabase();
    process.env['DATABASE_URL'] = database.url;
  });
  afterEach(async () => {
    if (before === undefined) delete process.env['DATABASE_URL'];
    else process.env['DATABASE_URL'] = before;
    await database.close();
  });

  it('is done where the migrations are this version’s, and refused with a sentence elsewhere', async () => {
    await expect(withDatabase(() => Promise.resolve('done'))).resolves.toBe('done');
    await database.db.query(
      `DELETE FROM migrations WHERE name = (SELECT max(name) FROM migrations)`,
    );
    const refused = withDatabase(() => Promise.resolve('done'));
    await expect(refused).rejects.toThrow(StartError);
    await expect(refused).rejects.toThrow('Run `npm run migrate` first.');
  });

  it('is refused with the reason where there is no database', async () => {
    process.env['DATABASE_URL'] = `${database.url}_gone`;
    await expect(withDatabase(() => Promise.resolve('done'))).rejects.toThrow(
      /^The Postgres that DATABASE_URL names can’t be worked on: database .* does not exist$/,
    );
  });
});

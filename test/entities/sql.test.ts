import { isTransactionUndone, run, statement } from '../../entities/sql';
import { freshDatabase, type TestDatabase } from '../support/database';

describe('a prepared statement whose table gets a column', () => {
  let database: TestDatabase;
  const all = statement<{ id: number }>('all-things', 'SELECT * FROM things');
  beforeEach(async () => {
    database = await freshDatabase();
    await database.db.query('CREATE TABLE things (id int)');
    await database.db.query('INSERT INTO things VALUES (7)');
  });
  afterEach(() => database.close());

  const addColumn = (): Promise<unknown> =>
    database.db.query('ALTER TABLE things ADD COLUMN name text');
  /** On every connection of the pool. */
  const runEverywhere = (): Promise<{ id: number }[][]> =>
    Promise.all(Array.from({ length: 10 }, () => run(database.db, all, [])));

  it('is prepared anew, on every connection', async () => {
    await runEverywhere();
    await addColumn();
    for (const rows of await runEverywhere()) expect(rows).toEqual([{ id: 7, name: null }]);
    for (const rows of await runEverywhere()) expect(rows).toEqual([{ id: 7, name: null }]);
  });

  it('undoes the transaction that it is part of, which succeeds when it is tried again', async () => {
    const act = () => database.db.transaction((tx) => run(tx, all, []));
    await runEverywhere();
    await addColumn();
    const error: unknown = await act().catch((reason: unknown) => reason);
    expect(isTransactionUndone(error)).toBe(true);
    expect(await act()).toEqual([{ id: 7, name: null }]);
  });
});

import { ofEverybody } from '../../entities/fold-rollup';
import { freshDatabase, type TestDatabase } from '../support/database';
import { planOf } from '../support/plan-of';

describe('folding rows', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await freshDatabase();
  });
  afterAll(() => database.close());

  it.each(['webhook_attempts', 'stream_events'])(
    'walks %s of everybody by an index that no other reader is planned by',
    async (table) => {
      const planWith = (condition: string): Promise<string> =>
        planOf(
          database.db,
          `SELECT t.id FROM ${table} t WHERE t.xid >= '5' AND ${condition} ORDER BY t.xid LIMIT 9`,
        );
      expect(await planWith(ofEverybody('t'))).toContain(`Index Scan using ${table}_fold `);
      expect(await planWith(`t.org_id = 'org_quiet'`)).not.toContain(`${table}_fold `);
      expect(await planWith('true')).not.toContain(`${table}_fold `);
    },
  );
});

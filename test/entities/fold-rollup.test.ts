import { ofEverybody } from '../../entities/fold-rollup';
import { freshDatabase, type TestDatabase } from '../support/database';

describe('folding rows', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await freshDatabase();
  });
  afterAll(() => database.close());

  it.each(['webhook_attempts', 'stream_events'])(
    'walks %s of everybody by an index that no other reader is planned by',
    async (table) => {
      const planOf = async (condition: string): Promise<string> => {
        const plan = await database.db.query<{ 'QUERY PLAN': string }[]>(
          `EXPLAIN SELECT t.id FROM ${table} t WHERE t.xid >= '5' AND ${condition} ORDER BY t.xid LIMIT 9`,
        );
        return plan.map((line) => line['QUERY PLAN']).join('\n');
      };
      expect(await planOf(ofEverybody('t'))).toContain(`Index Scan using ${table}_fold `);
      expect(await planOf(`t.org_id = 'org_quiet'`)).not.toContain(`${table}_fold `);
      expect(await planOf('true')).not.toContain(`${table}_fold `);
    },
  );
});

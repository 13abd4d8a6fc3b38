import { inPart, rollupSpan, spanParts, spanValues } from '../../entities/rollup-span';
import { freshDatabase, type TestDatabase } from '../support/database';
import { planOf } from '../support/plan-of';

describe('reading counts of a span', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await freshDatabase();
  });
  afterAll(() => database.close());

  it.each(['attempt_rollups', 'delivery_rollups', 'stream_rollups'])(
    'walks the organization’s own rows of %s, from the first to the last that it needs',
    async (table) => {
      const since = new Date('2026-02-03T04:05:06Z');
      const span = spanValues(rollupSpan(since, new Date('2026-03-01T02:03:04Z')));
      const text = await planOf(
        database.db,
        `SELECT r.* FROM ${spanParts(2)} CROSS JOIN LATERAL (
           SELECT * FROM ${table} r WHERE ${inPart('r')} OFFSET 0) r`,
        ['org_quiet', ...span],
      );
      expect(text).toMatch(new RegExp(`(using|on) ${table}_pkey`));
      expect(text).toMatch(/Index Cond: .*ROW\(org_id, grain, starts_at\) >= .* < /);
      expect(text).not.toContain(`${table}_time`);
    },
  );
});

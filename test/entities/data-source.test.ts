import { freshDatabase } from '../support/database';
import { planOf } from '../support/plan-of';

describe('a connection', () => {
  it('plans by index also while a table is empty, since the plan is kept when it has grown', async () => {
    const database = await freshDatabase();
    const text = await planOf(
      database.db,
      `SELECT d.id FROM webhook_deliveries d JOIN unnest(ARRAY['a', 'b']) AS o (id) ON d.id = o.id`,
    );
    await database.close();
    expect(text).not.toContain('Seq Scan on webhook_deliveries');
    expect(text).toContain('webhook_deliveries_pkey');
  });

  it('starts no processes for a statement, however costly a large table makes it look', async () => {
    const database = await freshDatabase();
    const plan = await database.db.transaction(async (tx) => {
      await tx.query('SET LOCAL debug_parallel_query = on');
      return planOf(tx, 'SELECT count(*) FROM webhook_attempts');
    });
    await database.close();
    expect(plan).not.toContain('Gather');
  });
});

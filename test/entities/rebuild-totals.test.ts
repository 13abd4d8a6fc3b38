import { foldDeliveries } from '../../entities/fold-deliveries';
import { rebuildTotals } from '../../entities/rebuild-totals';
import { startApi, type Tenant, type TestApi } from '../support/api';

describe('totals computed anew from their records', () => {
  let api: TestApi;
  let acme: Tenant;
  const period = new Date().toISOString().slice(0, 7);
  const rebuild = (repair = false) =>
    rebuildTotals(api.database.db, { period, repair, deliveriesSince: new Date(0) });
  beforeAll(async () => {
    api = await startApi();
    acme = await api.newTenant();
    const authorize = (idempotencyKey: string, more: object) =>
      acme.call('POST', '/v1/usage/authorize', {
        meterClass: 'heavy_extract',
        idempotencyKey,
        ...more,
      });
    await authorize('a', { units: 3 });
    await authorize('b', { units: 5, reserveSeconds: 60 });
    const { body } = await authorize('c', { units: 7, reserveSeconds: 60 });
    await acme.call('POST', `/v1/usage/charges/${body.chargeId}/commit`, { units: 2 });
    const now = new Date().toISOString();
    await acme.call('POST', '/v1/usage/events', {
      events: [
        { id: 'e', meterClass: 'standard_read', units: 9, occurredAt: now },
        { id: 'f', meterClass: 'standard_read', units: -4, occurredAt: now, corrects: 'e' },
      ],
    });
    const { db } = api.database;
    await db.query(
      `INSERT INTO delivered_counts (org_id, period, units, last_at) VALUES ($1, $2, 4, now())`,
      [acme.orgId, period],
    );
    await db.transaction((tx) => foldDeliveries(tx, api.context.catalog));
  });
  afterAll(() => api.close());

  it('agree with what was counted along the way', async () => {
    expect(await rebuild()).toEqual({ months: 1, differences: [] });
  });

  it('name what differs, and are stored on demand', async () => {
    const { db } = api.database;
    await db.query(
      `UPDATE budget_periods SET accrued_micros = accrued_micros + 1, held_micros = 0`,
    );
    const { differences } = await rebuild();
    expect(differences.map(({ what }) => what)).toEqual([
      'accrued micro-dollars',
      'held micro-dollars',
    ]);
    await rebuild(true);
    expect((await rebuild()).differences).toEqual([]);
    const { budget } = (await acme.call('GET', '/v1/billing')).body;
    expect(budget).toMatchObject({ accruedUsageCents: 5, heldCents: 4 });
    expect(budget.lineItems).toHaveLength(3);
  });
});

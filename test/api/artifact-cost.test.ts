import { artifactDesk } from '../support/artifacts';

describe('an artifact costs', () => {
  const desk = artifactDesk();
  const charges = (): Promise<{ status: string; amount_micros: string }[]> =>
    desk.api.database.db.query(
      `SELECT status, amount_micros FROM charges WHERE org_id = $1 ORDER BY id`,
      [desk.acme.orgId],
    );

  it('one artifact job, once, whatever is sent again within a day', async () => {
    const key = { 'idempotency-key': 'report-of-march' };
    const first = await desk.create({}, key);
    const again = await desk.create({}, key);
    expect(again.body.id).toBe(first.body.id);
    await desk.api.database.db.query(`DELETE FROM idempotency_keys`);
    expect((await desk.create({}, key)).body.id).toBe(first.body.id);
    const [charge, ...more] = await charges();
    expect(charge).toMatchObject({ status: 'charged' });
    expect(Number(charge?.amount_micros)).toBeGreaterThan(0);
    expect(more).toEqual([]);
    const budget = (await desk.acme.call('GET', '/v1/billing')).body.budget;
    expect(budget.lineItems).toMatchObject([{ meterFamily: 'artifact_jobs', requestCount: 1 }]);
    await desk.api.database.db.query(
      `UPDATE artifacts SET created_at = created_at - interval '25 hours' WHERE id = $1`,
      [first.body.id],
    );
    await desk.api.database.db.query(`DELETE FROM idempotency_keys`);
    const later = await desk.create({}, key);
    expect(later.status).toBe(201);
    expect(later.body.id).not.toBe(first.body.id);
  });

  it('nothing where it is refused: over the cap, over the threshold, by bad input', async () => {
    await desk.acme.call('PUT', '/v1/billing/budget', { spendCapCents: 0 });
    expect((await desk.create()).body.code).toBe('billing_budget_hard_cap_exceeded');
    await desk.acme.call('PUT', '/v1/billing/budget', {
      spendCapCents: null,
      approvalThresholdCents: 0,
    });
    const refused = await desk.create();
    expect(refused.body).toMatchObject({
      code: 'billing_budget_approval_required',
      details: { approvalId: expect.stringMatching(/^bap_/) },
    });
    expect(refused.headers.get('secapi-estimated-cost')).toBe('$0.0000');
    await desk.create({ kind: 'zip' });
    expect(await charges()).toEqual([]);
    expect(await desk.count(`SELECT count(*)::int AS n FROM artifacts WHERE org_id = $1`)).toBe(0);
  });

  it('one call of the free grant', async () => {
    desk.acme = await desk.api.newTenant({ planKey: 'sandbox_grant' });
    expect((await desk.create()).status).toBe(201);
    expect((await desk.acme.call('GET', '/v1/billing')).body).toMatchObject({ freeGrantUsed: 1 });
    await desk.api.database.db.query(
      `UPDATE budget_periods SET grant_used = 250 WHERE org_id = $1`,
      [desk.acme.orgId],
    );
    expect((await desk.create()).body).toMatchObject({
      code: 'billing_required',
      details: { reason: 'starter_grant_exhausted' },
    });
  });

  it('nothing to a test key, which sees test artifacts alone', async () => {
    const test = await desk.api.newKey(desk.acme.orgId, { livemode: false });
    const live = (await desk.create()).body;
    const mine = (await desk.create({}, {}, test)).body;
    expect(mine.livemode).toBe(false);
    expect((await desk.create({ livemode: true }, {}, test)).body.code).toBe('insufficient_scope');
    expect((await charges()).map(({ amount_micros }) => Number(amount_micros) > 0)).toEqual([
      true,
      false,
    ]);
    const listed = (await test.call('GET', '/v1/artifacts')).body.data;
    expect(listed.map(({ id }: { id: string }) => id)).toEqual([mine.id]);
    expect((await test.call('GET', `/v1/artifacts/${live.id}`)).status).toBe(404);
  });
});

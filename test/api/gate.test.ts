import { releaseExpired } from '../../entities/settle-charge';
import { send, startApi, type Answer, type Tenant, type TestApi } from '../support/api';

/** On the team plan: 20 % off $0.01. */
const EXTRACT_USD = 0.008;

describe('the gate', () => {
  let api: TestApi;
  let other: TestApi;
  let acme: Tenant;
  let keys = 0;
  const key = (): string => `k-${++keys}`;
  const authorize = (more: object = {}, tenant = acme): Promise<Answer> =>
    tenant.call('POST', '/v1/usage/authorize', {
      meterClass: 'heavy_extract',
      idempotencyKey: key(),
      ...more,
    });
  const setBudget = (budget: object, tenant = acme): Promise<Answer> =>
    tenant.call('PUT', '/v1/billing/budget', budget);
  const budget = async (tenant = acme) => (await tenant.call('GET', '/v1/billing')).body.budget;
  const charges = async (where = `status = 'charged'`) =>
    api.database.db.query(
      `SELECT count(*)::int AS count, coalesce(sum(amount_micros), 0)::int AS micros
       FROM charges WHERE org_id = $1 AND ${where}`,
      [acme.orgId],
    );

  beforeAll(async () => {
    api = await startApi();
    other = await api.another();
  });
  beforeEach(async () => {
    acme = await api.newTenant();
  });
  afterAll(async () => {
    await other.close();
    await api.close();
  });

  it('charges at the plan’s rate, units × rate exactly, and shows the line', async () => {
    const { status, body } = await authorize({ units: 7, idempotencyKey: 'first' });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      object: 'usage_authorization',
      chargeId: expect.stringMatching(/^chg_/),
      status: 'charged',
      orgId: acme.orgId,
      meterClass: 'heavy_extract',
      units: 7,
      unitAmountUsd: EXTRACT_USD,
      amountUsd: 0.056,
      amountCents: 6,
      planKey: 'team',
      replayed: false,
    });
    expect(body.budget).toMatchObject({
      object: 'billing_budget',
      accruedUsageCents: 6,
      spendCapCents: null,
      hardCapReached: false,
      lineItems: [
        {
          publicPlanKey: 'team',
          meterFamily: 'heavy_extracts',
          units: 7,
          requestCount: 1,
          unitAmountUsd: EXTRACT_USD,
          amountCents: 6,
        },
      ],
    });
    const me = await acme.call('GET', '/v1/me');
    expect(me.headers.get('secapi-budget-used')).toBe('6');
  });

  it('charges once for a key and answers the first charge again', async () => {
    const first = await authorize({ units: 2, idempotencyKey: 'same' });
    const header = await acme.call(
      'POST',
      '/v1/usage/authorize',
      { meterClass: 'heavy_extract', units: 2 },
      { 'idempotency-key': 'same' },
    );
    expect(header.body).toMatchObject({ chargeId: first.body.chargeId, replayed: true });
    const otherUnits = await authorize({ units: 3, idempotencyKey: 'same' });
    expect(otherUnits).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
    const otherClass = await authorize({
      meterClass: 'light_read',
      units: 2,
      idempotencyKey: 'same',
    });
    expect(otherClass.status).toBe(422);
    expect((await budget()).accruedUsageCents).toBe(2);
  });

  it('lets spend reach the cap, not pass it, over two processes, 64 clients and doubled keys', async () => {
    await setBudget({ spendCapCents: 80 });
    const names = Array.from({ length: 600 }, (_, i) => `cap-${Math.floor(i / 2)}`);
    const answers = await Promise.all(
      names.map((idempotencyKey, i) =>
        send(
          `${(i % 2 === 0 ? api : other).url}/v1/usage/authorize`,
          'POST',
          { meterClass: 'heavy_extract', idempotencyKey },
          { 'x-api-key': acme.key },
        ),
      ),
    );
    const passed = answers.filter(({ status }) => status === 200);
    const first = passed.filter(({ body }) => !body.replayed);
    expect(first).toHaveLength(100);
    expect(new Set(passed.map(({ body }) => body.chargeId)).size).toBe(100);
    const refused = answers.find(({ status }) => status === 402);
    expect(refused?.body).toMatchObject({
      code: 'billing_budget_hard_cap_exceeded',
      type: 'billing_error',
      details: { accruedUsageCents: 80, spendCapCents: 80 },
    });
    expect(await charges()).toEqual([{ count: 100, micros: 800_000 }]);
    expect(await budget()).toMatchObject({
      accruedUsageCents: 80,
      hardCapReached: true,
      lineItems: [{ units: 100, requestCount: 100, amountCents: 80 }],
    });
  }, 60_000);

  it('refuses every priced call under a cap of 0, and nothing that costs nothing', async () => {
    await setBudget({ spendCapCents: 0 });
    expect((await authorize()).status).toBe(402);
    expect((await authorize({ meterClass: 'control_plane' })).status).toBe(200);
    expect((await authorize({ meterClass: 'intelligence_query' })).status).toBe(200);
    expect((await setBudget({ spendCapCents: null })).status).toBe(200);
    expect((await authorize()).status).toBe(200);
  });

  it('counts what the free grant covers, and refuses the call after the last', async () => {
    const sandbox = await api.newTenant({ planKey: 'sandbox_grant' });
    await api.database.db.query(
      `INSERT INTO budget_periods (org_id, period, grant_used) VALUES ($1, $2, 248)`,
      [sandbox.orgId, new Date().toISOString().slice(0, 7)],
    );
    const answers = await Promise.all([1, 2, 3, 4].map(() => authorize({ units: 50 }, sandbox)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 402, 402]);
    const refused = answers.find(({ status }) => status === 402);
    expect(refused?.body).toMatchObject({
      code: 'billing_required',
      details: { reason: 'starter_grant_exhausted' },
    });
    const account = (await sandbox.call('GET', '/v1/billing')).body;
    expect(account).toMatchObject({
      freeGrantTotal: 250,
      freeGrantUsed: 250,
      freeGrantRemaining: 0,
    });
    expect(account.budget.accruedUsageCents).toBe(0);
    const me = await sandbox.call('GET', '/v1/me');
    expect(me.headers.get('secapi-free-grant-remaining')).toBe('0');
  });

  it('counts AI queries against the month’s quota without charging them', async () => {
    const query = { meterClass: 'intelligence_query' };
    expect((await authorize({ ...query, units: 2_999 })).body.amountCents).toBe(0);
    expect((await authorize(query)).status).toBe(200);
    const refused = await authorize(query);
    expect(refused).toMatchObject({ status: 429, body: { code: 'ai_query_quota_exceeded' } });
    expect(refused.headers.get('retry-after')).not.toBeNull();
    const { monthlyQuotas } = (await acme.call('GET', '/v1/billing')).body;
    expect(monthlyQuotas.ai_queries).toMatchObject({ limit: 3_000, used: 3_000, remaining: 0 });
    const payg = await api.newTenant({ planKey: 'payg' });
    expect((await authorize(query, payg)).body.amountCents).toBe(10);
  });

  it('holds a reservation against the cap, then charges what was used of it', async () => {
    await setBudget({ spendCapCents: 8 });
    const held = await authorize({ units: 10, reserveSeconds: 60 });
    expect(held.body).toMatchObject({
      status: 'reserved',
      budget: { accruedUsageCents: 0, heldCents: 8 },
    });
    expect((await authorize()).status).toBe(402);
    const path = `/v1/usage/charges/${held.body.chargeId}`;
    const over = await acme.call('POST', `${path}/commit`, { units: 11 });
    expect(over).toMatchObject({ status: 400, body: { details: { issues: [{ path: 'units' }] } } });
    const committed = await acme.call('POST', `${path}/commit`, { units: 4 });
    expect(committed.body).toMatchObject({
      status: 'charged',
      units: 4,
      amountCents: 3,
      budget: { accruedUsageCents: 3, heldCents: 0 },
    });
    expect((await acme.call('POST', `${path}/commit`, { units: 4 })).body.replayed).toBe(true);
    expect((await acme.call('POST', `${path}/release`)).status).toBe(409);
    expect((await authorize({ units: 6 })).status).toBe(200);
    expect((await authorize()).status).toBe(402);
  });

  it('frees what a reservation held when it is released or its time is over', async () => {
    await setBudget({ spendCapCents: 8 });
    const released = await authorize({ units: 10, reserveSeconds: 60 });
    const path = `/v1/usage/charges/${released.body.chargeId}`;
    expect((await acme.call('POST', `${path}/release`)).body.status).toBe('released');
    expect((await acme.call('POST', `${path}/release`)).body.replayed).toBe(true);
    const expiring = await authorize({ units: 10, reserveSeconds: 60 });
    const later = new Date(Date.now() + 61_000);
    const { db } = api.database;
    expect(await db.transaction((tx) => releaseExpired(tx, later))).toBe(1);
    expect(await db.transaction((tx) => releaseExpired(tx, later))).toBe(0);
    const late = `/v1/usage/charges/${expiring.body.chargeId}/commit`;
    expect((await acme.call('POST', late)).status).toBe(409);
    expect((await authorize({ units: 10 })).status).toBe(200);
    expect(await budget()).toMatchObject({ accruedUsageCents: 8, heldCents: 0 });
  });

  it.each([true, false])(
    'tells a key by its units while it is reserved (live: %s)',
    async (livemode) => {
      const tenant = await api.newKey(acme.orgId, { livemode });
      const held = { idempotencyKey: 'held', reserveSeconds: 60 };
      expect((await authorize({ ...held, units: 5 }, tenant)).body.status).toBe('reserved');
      expect((await authorize({ ...held, units: 5 }, tenant)).body.replayed).toBe(true);
      for (const units of [4, 500]) {
        const other = await authorize({ ...held, units }, tenant);
        expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
      }
    },
  );

  it.each([true, false])(
    'tells a key by what was reserved once less of it was committed (live: %s)',
    async (livemode) => {
      const tenant = await api.newKey(acme.orgId, { livemode });
      const held = { idempotencyKey: 'partly', reserveSeconds: 60 };
      const { chargeId } = (await authorize({ ...held, units: 5 }, tenant)).body;
      const commit = `/v1/usage/charges/${chargeId}/commit`;
      expect((await tenant.call('POST', commit, { units: 2 })).status).toBe(200);
      const again = await authorize({ ...held, units: 5 }, tenant);
      expect(again.body).toMatchObject({ status: 'charged', units: 2, replayed: true });
      for (const units of [2, 4, 500]) {
        const other = await authorize({ ...held, units }, tenant);
        expect(other).toMatchObject({
          status: 422,
          body: { code: 'idempotency_key_reused', details: { units: 5 } },
        });
      }
    },
  );

  it.each([true, false])(
    'lets nothing through under a key that was given back (live: %s)',
    async (livemode) => {
      const tenant = await api.newKey(acme.orgId, { livemode });
      const reserve = (idempotencyKey: string) =>
        authorize({ idempotencyKey, reserveSeconds: 60 }, tenant);
      const { chargeId } = (await reserve('given back')).body;
      await tenant.call('POST', `/v1/usage/charges/${chargeId}/release`);
      await reserve('expired');
      await api.database.db.query(
        `UPDATE charges SET expires_at = now() - interval '1 s' WHERE org_id = $1 AND key = 'expired'`,
        [acme.orgId],
      );
      for (const idempotencyKey of ['given back', 'expired']) {
        const refused = await reserve(idempotencyKey);
        expect(refused).toMatchObject({ status: 409, body: { code: 'conflict' } });
        expect(refused.body.hint).toContain('another idempotency key');
      }
    },
  );

  it('releases what is committed with nothing used, and takes the same again', async () => {
    const { chargeId } = (await authorize({ reserveSeconds: 60 })).body;
    const commit = (body: object) =>
      acme.call('POST', `/v1/usage/charges/${chargeId}/commit`, body);
    const first = await commit({ units: 0 });
    expect(first.body).toMatchObject({ status: 'released', units: 0, replayed: false });
    const again = await commit({ units: 0 });
    expect(again).toMatchObject({ status: 200, body: { status: 'released', replayed: true } });
    expect((await commit({})).status).toBe(409);
  });

  it('costs nothing in test mode and refuses nothing there', async () => {
    await setBudget({ spendCapCents: 0 });
    const test = await api.newKey(acme.orgId, { livemode: false });
    const first = await authorize({ units: 1_000_000, idempotencyKey: 'test' }, test);
    expect(first.body).toMatchObject({ status: 'charged', amountCents: 0, replayed: false });
    const again = await authorize({ units: 1_000_000, idempotencyKey: 'test' }, test);
    expect(again.body).toMatchObject({ chargeId: first.body.chargeId, replayed: true });
    expect((await budget()).accruedUsageCents).toBe(0);
  });

  it('lets a gateway ask with its operator key and a customer’s key, and nobody else for others', async () => {
    const gateway = await api.newTenant({ scopes: ['admin:operator'] });
    const byKey = await authorize({ apiKey: acme.key }, gateway);
    expect(byKey.body).toMatchObject({ orgId: acme.orgId, amountCents: 1 });
    const byId = await authorize({ orgId: acme.orgId }, gateway);
    expect(byId.body.orgId).toBe(acme.orgId);
    expect((await authorize({ apiKey: 'secapi_live_wrong' }, gateway)).status).toBe(401);
    expect((await authorize({ orgId: `org_${'0'.repeat(32)}` }, gateway)).status).toBe(404);
    const foreign = await api.newTenant();
    expect((await authorize({ orgId: acme.orgId }, foreign)).status).toBe(403);
    const charge = `/v1/usage/charges/${byKey.body.chargeId}`;
    expect((await foreign.call('POST', `${charge}/release`)).status).toBe(404);
  });

  it('lets an operator’s test key charge and settle nothing live', async () => {
    const operator = await api.newTenant({ scopes: ['admin:operator'], livemode: false });
    const byId = await authorize({ orgId: acme.orgId }, operator);
    expect(byId.body).toMatchObject({ orgId: acme.orgId, amountCents: 0 });
    const byKey = await authorize({ apiKey: acme.key }, operator);
    expect(byKey).toMatchObject({ status: 403, body: { code: 'insufficient_scope' } });
    const { chargeId } = (await authorize({ reserveSeconds: 60 })).body;
    expect((await operator.call('POST', `/v1/usage/charges/${chargeId}/commit`)).status).toBe(404);
    expect((await budget()).accruedUsageCents).toBe(0);
  });

  it('refuses units and classes that are none, with the path', async () => {
    for (const units of [0, -1, 1.5, '1', 1e308, 2e9]) {
      const refused = await authorize({ units });
      expect(refused).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
      expect(refused.body.details.issues[0].path).toBe('units');
    }
    const unknown = await authorize({ meterClass: 'free_lunch' });
    expect(unknown.body.details.issues[0].path).toBe('meterClass');
    const keyless = await acme.call('POST', '/v1/usage/authorize', { meterClass: 'light_read' });
    expect(keyless.body.details.issues[0].path).toBe('idempotencyKey');
    expect(await charges('true')).toEqual([{ count: 0, micros: 0 }]);
  });

  it('lets a suspended organization read, and do no billable work', async () => {
    const operator = await api.newTenant({ scopes: ['admin:operator'] });
    await operator.call('POST', `/v1/admin/orgs/${acme.orgId}/suspend`);
    expect(await authorize()).toMatchObject({ status: 402, body: { code: 'billing_required' } });
    expect((await acme.call('GET', '/v1/billing')).status).toBe(200);
    await operator.call('POST', `/v1/admin/orgs/${acme.orgId}/resume`);
    expect((await authorize()).status).toBe(200);
  });

  it('answers 503 while the database is away, and lets nothing through', async () => {
    const cutOff = await api.another();
    await cutOff.database.db.destroy();
    const body = { meterClass: 'heavy_extract', idempotencyKey: 'away' };
    const answer = await send(`${cutOff.url}/v1/usage/authorize`, 'POST', body, {
      'x-api-key': acme.key,
    });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).not.toBeNull();
    expect(await charges('true')).toEqual([{ count: 0, micros: 0 }]);
    await cutOff.close();
  });

  describe('a quote', () => {
    const quote = (more: object): Promise<Answer> => acme.call('POST', '/v1/billing/quote', more);

    it('prices by class or route and reserves nothing', async () => {
      const { body } = await quote({ path: '/v1/filings/abc/sections/7', units: 3 });
      expect(body).toMatchObject({
        object: 'billing_quote',
        planKey: 'team',
        meterClass: 'heavy_extract',
        meterFamily: 'heavy_extracts',
        units: 3,
        unitAmountUsd: EXTRACT_USD,
        amountUsd: 0.024,
        amountCents: 2,
        currency: 'usd',
        budgetGate: null,
      });
      expect(
        (await quote({ meterClass: 'heavy_extract', planKey: 'payg' })).body.unitAmountUsd,
      ).toBe(0.01);
      expect((await budget()).accruedUsageCents).toBe(0);
      expect((await quote({})).status).toBe(400);
      expect((await quote({ path: '/v1/nowhere' })).status).toBe(400);
    });

    it('answers what the gate would', async () => {
      await setBudget({ spendCapCents: 1 });
      await authorize();
      const told = (await quote({ meterClass: 'heavy_extract' })).body.budgetGate;
      const refused = await authorize();
      expect(told).toEqual({
        code: refused.body.code,
        status: 402,
        message: refused.body.message,
        details: refused.body.details,
      });
    });
  });
});

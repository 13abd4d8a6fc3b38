import { startApi, type Answer, type Tenant, type TestApi } from '../support/api';

describe('reported usage', () => {
  let api: TestApi;
  let acme: Tenant;
  const now = new Date('2026-03-19T12:00:00.000Z');
  const report = (events: object[], tenant = acme): Promise<Answer> =>
    tenant.call('POST', '/v1/usage/events', { events });
  const event = (id: string, more: object = {}): object => ({
    id,
    meterClass: 'standard_read',
    units: 10,
    occurredAt: '2026-03-19T11:00:00Z',
    ...more,
  });
  const budgetOf = async (period = '2026-03') => {
    const [row] = await api.database.db.query(
      `SELECT accrued_micros::int AS micros, lines FROM budget_periods WHERE org_id = $1 AND period = $2`,
      [acme.orgId, period],
    );
    return row;
  };
  beforeAll(async () => {
    api = await startApi({}, { now: () => now });
  });
  beforeEach(async () => {
    acme = await api.newTenant();
  });
  afterAll(() => api.close());

  it('is added to its month once for an id, for ever', async () => {
    const first = await report([event('a'), event('b')]);
    expect(first).toMatchObject({
      status: 202,
      body: { object: 'usage_events_result', accepted: 2, duplicates: 0, rejected: [] },
    });
    expect((await report([event('a'), event('c')])).body).toMatchObject({
      accepted: 1,
      duplicates: 1,
    });
    expect((await budgetOf()).micros).toBe(3 * 10 * 800);
  });

  it('with other content under a known id is a conflict that names both, and the rest is taken', async () => {
    await report([event('a')]);
    const { body } = await report([event('a', { units: 11 }), event('new')]);
    expect(body).toMatchObject({ accepted: 1, rejected: [{ index: 0, code: 'conflict' }] });
    expect(body.rejected[0].message).toContain('10 × standard_read');
    expect(body.rejected[0].message).toContain('11 × standard_read');
  });

  it('goes into the month it belongs to, up to 35 days late', async () => {
    expect((await report([event('late', { occurredAt: '2026-02-14T00:00:00Z' })])).status).toBe(
      202,
    );
    expect((await budgetOf('2026-02')).micros).toBe(8_000);
    expect(await budgetOf()).toBeUndefined();
  });

  it('is corrected by negative events, at the rate it was charged at, never below nothing', async () => {
    await report([event('a')]);
    const taken = await report([event('a-fix', { units: -4, corrects: 'a' })]);
    expect(taken.body.accepted).toBe(1);
    expect((await report([event('a-fix', { units: -4, corrects: 'a' })])).body.duplicates).toBe(1);
    const over = await report([event('a-fix-2', { units: -7, corrects: 'a' })]);
    expect(over.body.rejected[0].message).toContain('6 unit(s) left');
    const unknown = await report([event('x', { units: -1, corrects: 'nothing' })]);
    expect(unknown.body.rejected[0].message).toContain('nothing');
    expect((await budgetOf()).micros).toBe(6 * 800);
  });

  it.each([
    [{ units: 0 }, 'events.0.units'],
    [{ units: -1 }, 'events.0.units'],
    [{ units: 1e308 }, 'events.0.units'],
    [{ units: null }, 'events.0.units'],
    [{ meterClass: 'nothing' }, 'events.0.meterClass'],
    [{ occurredAt: '2026-03-19T12:05:01Z' }, 'events.0.occurredAt'],
    [{ occurredAt: '2026-02-12T11:59:00Z' }, 'events.0.occurredAt'],
    [{ occurredAt: 'noon' }, 'events.0.occurredAt'],
    [{ id: '' }, 'events.0.id'],
    [{ units: 5, corrects: 'a' }, 'events.0.units'],
  ])(
    'with %j is refused with the path, and nothing of the batch is stored',
    async (wrong, path) => {
      const refused = await report([event('w', wrong), event('good')]);
      expect(refused).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
      expect(refused.body.details.issues[0].path).toBe(path);
      expect(await budgetOf()).toBeUndefined();
    },
  );

  it('of none or over 1,000 events is refused', async () => {
    expect((await report([])).status).toBe(400);
    const many = Array.from({ length: 1_001 }, (_, i) => event(`e${i}`));
    expect((await report(many)).status).toBe(400);
    expect((await report(many.slice(0, 1_000))).body.accepted).toBe(1_000);
  });

  it('is shown by day, class, principal or key, as JSON or CSV', async () => {
    await report([event('a'), event('b', { occurredAt: '2026-03-18T01:00:00Z', units: 5 })]);
    await acme.call('POST', '/v1/usage/authorize', {
      meterClass: 'heavy_extract',
      idempotencyKey: 'k',
    });
    const byDay = (await acme.call('GET', '/v1/usage?groupBy=day')).body;
    expect(byDay.groups).toEqual([
      { group: '2026-03-18', units: 5, count: 1, amountUsd: 0.004, amountCents: 0 },
      { group: '2026-03-19', units: 11, count: 2, amountUsd: 0.016, amountCents: 2 },
    ]);
    const byClass = (await acme.call('GET', '/v1/usage?groupBy=meterClass')).body.groups;
    expect(byClass.map((row: { group: string }) => row.group)).toEqual([
      'heavy_extract',
      'standard_read',
    ]);
    const table = await acme.call('GET', '/v1/usage?groupBy=day', undefined, {
      accept: 'text/csv',
    });
    expect(table.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(table.text).toBe(
      'day,units,count,amountUsd,amountCents\r\n2026-03-18,5,1,0.004,0\r\n2026-03-19,11,2,0.016,2\r\n',
    );
    expect((await acme.call('GET', '/v1/usage?groupBy=moon')).status).toBe(400);
  });

  it('counts every request of the API by meter class', async () => {
    await acme.call('GET', '/v1/me');
    await acme.call('GET', '/v1/deliveries/wd_x');
    await api.context.requestLog.flush();
    const { body } = await acme.call('GET', '/v1/usage');
    expect(body).toMatchObject({ object: 'usage_summary', totalRequests: 2 });
    expect(body.meters).toEqual([
      {
        meterClass: 'control_plane',
        count: 2,
        successCount: 1,
        errorCount: 1,
        avgLatencyMs: expect.any(Number),
        lastSeenAt: now.toISOString(),
      },
    ]);
  });
});

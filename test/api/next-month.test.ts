import { startApi, type TestApi } from '../support/api';

/** Two minutes before a month ends. */
const LATE = Date.UTC(2026, 2, 31, 23, 58);
const NEXT = Date.UTC(2026, 3, 1, 0, 1);

describe('a budget changed at the end of a month', () => {
  let api: TestApi;
  let at = LATE;
  beforeAll(async () => {
    api = await startApi({}, { now: () => new Date(at) });
  });
  afterAll(() => api.close());

  it('holds in the next month too, which usage reported ahead has opened already', async () => {
    const acme = await api.newTenant();
    const setCap = (spendCapCents: number) =>
      acme.call('PUT', '/v1/billing/budget', { spendCapCents });
    await setCap(100_000);
    const occurredAt = new Date(NEXT).toISOString();
    const event = { id: 'ahead', meterClass: 'heavy_extract', units: 1, occurredAt };
    const reported = await acme.call('POST', '/v1/usage/events', { events: [event] });
    expect(reported.body.accepted).toBe(1);
    await setCap(2);
    at = NEXT;
    const { budget } = (await acme.call('GET', '/v1/billing')).body;
    expect(budget).toMatchObject({ invoicePeriod: '2026-04', spendCapCents: 2 });
    const over = { meterClass: 'heavy_extract', units: 10, idempotencyKey: 'over' };
    const refused = await acme.call('POST', '/v1/usage/authorize', over);
    expect(refused.body.code).toBe('billing_budget_hard_cap_exceeded');
  });
});

import { approveBudgetId } from '../../workflows/contracts';
import { workflowClient } from '../support/workflow-client';
import { startProduct, type Product } from '../support/product';
import { until } from '../support/until';

describe('work that waits for people', () => {
  let product: Product;
  beforeAll(async () => {
    product = await startProduct();
  }, 60_000);
  afterAll(() => product.close(), 60_000);

  const PATH = '/v1/billing/budget/approvals';
  const call: Product['tenant']['call'] = (...request) => product.tenant.call(...request);
  const authorize = (key: string) =>
    call('POST', '/v1/usage/authorize', {
      meterClass: 'artifact_jobs',
      idempotencyKey: key,
    });
  const running = async (approvalId: string) => {
    const { client, close } = await workflowClient(product.temporal);
    try {
      const { status } = await client.workflow.getHandle(approveBudgetId(approvalId)).describe();
      return status.name;
    } catch {
      return 'none';
    } finally {
      await close();
    }
  };

  it('crosses, waits through a killed worker and a killed Temporal, is decided once and let through once', async () => {
    const endpoint = {
      destinationUrl: `${product.receiver.url}/ok`,
      subscribedEventTypes: ['billing.*'],
    };
    await call('POST', '/v1/webhook_endpoints', endpoint);
    await call('PUT', '/v1/billing/budget', { spendCapCents: 9, approvalThresholdCents: 4 });
    expect((await authorize('one')).status).toBe(200);
    const refused = await authorize('two');
    expect(refused.status).toBe(402);
    const id = refused.body.details.approvalId as string;
    await until(
      () => running(id),
      (state) => state === 'RUNNING',
    );
    await product.restartWorker();
    await product.killTemporal();
    expect((await authorize('two')).body.details.approvalId).toBe(id);
    const waiting = call('GET', `${PATH}/${id}/wait?seconds=30`);
    const decisions = await Promise.all([1, 2, 3].map(() => call('POST', `${PATH}/${id}/approve`)));
    expect(decisions.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await waiting).body.status).toBe('approved');
    const through = await Promise.all([1, 2, 3].map(() => authorize('two')));
    expect(new Set(through.map(({ body }) => body.chargeId)).size).toBe(1);
    expect((await authorize('three')).body.code).toBe('billing_budget_hard_cap_exceeded');
    await until(
      () => running(id),
      (state) => state === 'COMPLETED',
      30_000,
    );
    const told = () =>
      product.receiver.requests.map(
        ({ body }) => JSON.parse(body) as { type: string; data: object },
      );
    const resolved = 'billing.budget.approval_resolved';
    const has = (type: string) => told().some((event) => event.type === type);
    await until(
      async () => has(resolved) && has('billing.budget.threshold'),
      (all) => all,
      30_000,
    );
    const kinds = told().map(
      ({ type, data }) => `${type} ${'percent' in data ? String(data.percent) : ''}`,
    );
    expect(new Set(kinds).size).toBe(kinds.length);
    expect(kinds).toContain('billing.budget.threshold 75');
  }, 120_000);

  it('is decided by an operator’s signal, which the API and the audit trail show', async () => {
    await call('PUT', '/v1/billing/budget', { spendCapCents: 100, approvalThresholdCents: 8 });
    const id = (await authorize('signalled')).body.details.approvalId as string;
    await until(
      () => running(id),
      (state) => state === 'RUNNING',
    );
    const { client, close } = await workflowClient(product.temporal);
    const handle = client.workflow.getHandle(approveBudgetId(id));
    await handle.signal('decide', { decision: 'approve', upToCents: 50, by: 'ops@example.com' });
    expect(await handle.result()).toBe('approved');
    await close();
    const approval = (await call('GET', `${PATH}/${id}`)).body;
    expect(approval).toMatchObject({ approvedUpToCents: 50, decidedBy: 'ops@example.com' });
    const [record] = (await call('GET', '/v1/audit/records?limit=1')).body.data;
    expect(record).toMatchObject({
      action: 'budget_approval.approved',
      actor: { type: 'operator', id: 'ops@example.com' },
    });
    expect((await call('GET', '/v1/audit/verify')).body.ok).toBe(true);
    expect((await authorize('signalled')).status).toBe(200);
  }, 60_000);

  it('charges deliveries on their first success, within moments, never gated', async () => {
    const budget = async () => (await call('GET', '/v1/billing')).body.budget;
    const line = (found: { lineItems: { meterFamily: string; units: number }[] }) =>
      found.lineItems.find(({ meterFamily }) => meterFamily === 'delivery_events')?.units ?? 0;
    const before = line(await budget());
    const endpoint = {
      destinationUrl: `${product.receiver.url}/ok`,
      subscribedEventTypes: ['filing.published'],
    };
    const { body: made } = await call('POST', '/v1/webhook_endpoints', endpoint);
    await call('PUT', '/v1/billing/budget', { spendCapCents: 0, approvalThresholdCents: 0 });
    for (let i = 0; i < 5; i++)
      await call('POST', '/v1/events', { type: 'filing.published', data: { i } });
    const [delivery] = await until(
      async () =>
        (await call('GET', `/v1/deliveries?webhookId=${made.id}&status=delivered`)).body.data,
      (rows: { id: string }[]) => rows.length === 5,
    );
    await call('POST', `/v1/webhook_endpoints/${made.id}/deliveries/${delivery?.id}/replay`);
    const after = await until(budget, (found) => line(found) >= before + 5);
    expect(line(after)).toBeGreaterThanOrEqual(before + 5);
    const counted = await product.api.database.db.query(
      `SELECT count(*)::int AS delivered FROM webhook_deliveries WHERE status = 'delivered' AND livemode`,
    );
    await until(budget, (found) => line(found) === counted[0].delivered);
  }, 60_000);
});

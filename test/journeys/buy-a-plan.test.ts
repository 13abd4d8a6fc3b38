import { setStatus } from '../../devstack/stripe/acts/subscription-life';
import { startFakeStripe, type FakeStripe } from '../../devstack/stripe/server';
import { endGraceId, reconcileCheckoutId } from '../../workflows/contracts';
import { send } from '../support/api';
import { startProduct, type Product } from '../support/product';
import { until } from '../support/until';
import { workflowClient } from '../support/workflow-client';

describe('a newcomer buys the team plan', () => {
  let product: Product;
  let stripe: FakeStripe;
  const webhookSecret = 'whsec_journey';
  beforeAll(async () => {
    let webhookUrl: string | null = null;
    stripe = await startFakeStripe({
      webhookSecret,
      webhookUrl: () => webhookUrl,
      prices: [{ lookupKey: 'secapi_team_month', cents: 23_900, interval: 'month' }],
    });
    product = await startProduct({
      STRIPE_SECRET_KEY: 'sk_test_journey',
      STRIPE_WEBHOOK_SECRET: webhookSecret,
      STRIPE_API_URL: stripe.url,
      ALLOWED_RETURN_ORIGINS: 'loopback',
    });
    webhookUrl = `${product.api.url}/v1/billing/webhooks/stripe`;
    await product.api.database.db.query(
      `UPDATE organizations SET plan_key = 'sandbox_grant', billing_state = 'sandbox_grant' WHERE id = $1`,
      [product.tenant.orgId],
    );
  }, 60_000);
  afterAll(async () => {
    await product.close();
    await stripe.close();
  }, 60_000);

  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const plan = async () => (await product.tenant.call('GET', '/v1/billing')).body;
  const stateOf = async (workflowId: string): Promise<string> => {
    const { client, close } = await workflowClient(product.temporal);
    try {
      return (await client.workflow.getHandle(workflowId).describe()).status.name;
    } finally {
      await close();
    }
  };
  const told = (id: string) => stateOf(reconcileCheckoutId(id));

  it('by a click on the page, through a restarted worker; the workflow tells it to its end', async () => {
    const { body } = await product.tenant.call('POST', '/v1/billing/checkout', { planKey: 'team' });
    await until(
      () => told(body.id as string).catch(() => 'none'),
      (state) => state === 'RUNNING',
    );
    await product.restartWorker();
    expect((await send(body.url as string, 'POST', 'act=pay', form)).status).toBe(303);
    const account = await until(plan, (found) => found.effectivePlanKey === 'team');
    expect(account).toMatchObject({
      billingState: 'team_active',
      subscription: { status: 'active' },
    });
    await until(
      () => told(body.id as string),
      (state) => state === 'COMPLETED',
    );
    const events = await product.api.database.db.query(
      `SELECT type FROM events WHERE org_id = $1 AND type LIKE 'billing.%' ORDER BY id`,
      [product.tenant.orgId],
    );
    expect(events.map(({ type }: { type: string }) => type).sort()).toEqual([
      'billing.checkout.completed',
      'billing.subscription.updated',
    ]);
  }, 60_000);

  it('fails a payment, and pays after all: a workflow keeps the time of grace, and ends with it', async () => {
    const [id = ''] = [...stripe.state.subscriptions.keys()];
    const grace = () => stateOf(endGraceId(product.tenant.orgId)).catch(() => 'none');
    for (let round = 1; round <= 2; round++) {
      setStatus(stripe.state, id, 'past_due');
      await until(plan, (found) => found.billingState === 'payment_failed');
      await until(grace, (state) => state === 'RUNNING');
      setStatus(stripe.state, id, 'active');
      await until(plan, (found) => found.billingState === 'team_active');
      await until(grace, (state) => state === 'COMPLETED');
    }
  }, 60_000);
});

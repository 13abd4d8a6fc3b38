import {
  closeDispute,
  disputeCharge,
  lastCharge,
  refundCharge,
} from '../../devstack/stripe/acts/reverse-charge';
import { setStatus } from '../../devstack/stripe/acts/subscription-life';
import type { Tenant } from '../support/api';
import { openShop, type Bought, type Shop } from '../support/shop';

describe('a customer at Stripe', () => {
  let shop: Shop;
  let acme: Tenant;
  let bought: Bought;
  beforeAll(async () => {
    shop = await openShop();
  });
  beforeEach(async () => {
    acme = await shop.api.newTenant({ planKey: 'sandbox_grant' });
    bought = await shop.purchase(acme, { planKey: 'team' });
  });
  afterAll(() => shop.close());

  const customer = async () => (await acme.call('GET', '/v1/billing')).body.customer;
  const records = async (kind: string) => {
    const { data } = (await acme.call('GET', '/v1/audit/records')).body;
    const mine = data.filter(({ target }: { target: { type: string } }) => target.type === kind);
    return mine.reverse();
  };

  it('is shown with the address and name that Stripe has', async () => {
    expect(await customer()).toEqual({
      object: 'billing_customer',
      orgId: acme.orgId,
      stripeCustomerId: bought.customerId,
      livemode: true,
      email: 'buyer@example.com',
      name: 'Acme',
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    const { state } = shop.stripe;
    const known = state.customers.get(bought.customerId);
    if (known) Object.assign(known, { email: 'cfo@acme.example', name: 'Acme Inc.' });
    state.emit('customer.updated', known ?? {});
    await shop.work();
    expect(await customer()).toMatchObject({ email: 'cfo@acme.example', name: 'Acme Inc.' });
  });

  it('that is gone at Stripe keeps its name here and loses its card', async () => {
    const { state } = shop.stripe;
    const known = state.customers.get(bought.customerId) ?? {};
    state.customers.delete(bought.customerId);
    state.emit('customer.deleted', known);
    await shop.work();
    expect(await customer()).toMatchObject({ email: 'buyer@example.com' });
    expect((await acme.call('GET', '/v1/billing')).body.cardOnFile).toBe(false);
  });

  it('who gets money back has each refund recorded and audited once, however often it is told', async () => {
    const { state } = shop.stripe;
    const charge = lastCharge(state, bought.customerId);
    const refund = refundCharge(state, charge, 4_000);
    await shop.work();
    state.emit('charge.refunded', charge);
    state.emit('refund.updated', refund);
    await shop.work();
    refundCharge(state, charge, 1_000);
    await shop.work();
    const audited = await records('refund');
    expect(audited).toHaveLength(2);
    expect(audited[0]).toMatchObject({
      action: 'billing.refund.recorded',
      actor: { type: 'stripe', id: expect.stringMatching(/^evt_/) },
      target: { type: 'refund', id: refund.id },
      before: null,
      after: { amount: 4_000, currency: 'usd', status: 'succeeded', chargeId: charge.id },
    });
    const rows = await shop.api.database.db.query(
      `SELECT kind, amount, status FROM billing_reversals WHERE org_id = $1 ORDER BY amount`,
      [acme.orgId],
    );
    expect(rows).toEqual([
      { kind: 'refund', amount: '1000', status: 'succeeded' },
      { kind: 'refund', amount: '4000', status: 'succeeded' },
    ]);
  });

  it('who disputes a payment has the dispute and its end recorded and audited once', async () => {
    const { state } = shop.stripe;
    const dispute = disputeCharge(state, lastCharge(state, bought.customerId));
    await shop.work();
    state.emit('charge.dispute.funds_withdrawn', dispute);
    await shop.work();
    closeDispute(state, dispute.id, 'lost');
    await shop.work();
    expect(await records('dispute')).toMatchObject([
      {
        action: 'billing.dispute.recorded',
        actor: { type: 'stripe' },
        after: { status: 'needs_response', amount: 23_900, reason: 'fraudulent' },
      },
      {
        action: 'billing.dispute.updated',
        before: { status: 'needs_response', amount: 23_900 },
        after: { status: 'lost', amount: 23_900 },
      },
    ]);
    expect((await acme.call('GET', '/v1/audit/verify')).body.ok).toBe(true);
  });

  it('that was deleted there gives way to another with the next purchase', async () => {
    const { state } = shop.stripe;
    const { customerId } = bought;
    const gone = state.customers.get(customerId);
    state.customers.delete(customerId);
    setStatus(state, bought.subscriptionId, 'canceled');
    state.emit('customer.deleted', { ...gone });
    await shop.work();
    expect((await acme.call('GET', '/v1/billing')).body).toMatchObject({ cardOnFile: false });
    expect((await acme.call('POST', '/v1/billing/portal', {})).status).toBe(409);
    const again = await shop.purchase(acme, { planKey: 'team' });
    expect(again.customerId).not.toBe(customerId);
    const { body } = await acme.call('GET', '/v1/billing');
    expect(body).toMatchObject({
      effectivePlanKey: 'team',
      cardOnFile: true,
      customer: { stripeCustomerId: again.customerId },
    });
  });
});

import { addPrice } from '../../devstack/stripe/acts/add-price';
import { addCard, removeCards } from '../../devstack/stripe/acts/cards';
import { paySession, settleSlowPayment } from '../../devstack/stripe/acts/pay-session';
import {
  cancelAtPeriodEnd,
  changeAtPeriodEnd,
  changeNow,
  setStatus,
} from '../../devstack/stripe/acts/subscription-life';
import { DAY_MS } from '../../platform/clock';
import type { Tenant } from '../support/api';
import { openShop, type Bought, type Shop } from '../support/shop';

describe('a subscription', () => {
  let shop: Shop;
  let acme: Tenant;
  let bought: Bought;
  beforeAll(async () => {
    shop = await openShop();
  });
  beforeEach(async () => {
    acme = await shop.api.newTenant({ planKey: 'sandbox_grant' });
  });
  afterAll(() => shop.close());

  const buy = async (wish: object): Promise<void> => {
    bought = await shop.purchase(acme, wish);
  };
  const billing = async () => (await acme.call('GET', '/v1/billing')).body;
  const seats = async (): Promise<number> =>
    (await acme.call('GET', '/v1/limits')).body.seats.included as number;
  const changes = async () =>
    (await acme.call('GET', '/v1/audit/records?action=billing.subscription.updated')).body.data;
  const charge = (idempotencyKey: string) =>
    acme.call('POST', '/v1/usage/authorize', { meterClass: 'heavy_extract', idempotencyKey });

  it('puts plan, seats and quotas in force when it is created, its quantity being the seats', async () => {
    await buy({ planKey: 'team', seats: 8 });
    const subscription = shop.stripe.state.subscriptions.get(bought.subscriptionId);
    expect(subscription?.items.data[0]?.quantity).toBe(8);
    expect(subscription?.metadata).toEqual({ org_id: acme.orgId, checkout_id: bought.checkoutId });
    expect(await billing()).toMatchObject({
      effectivePlanKey: 'team',
      billingState: 'team_active',
      subscription: { planKey: 'team', status: 'active', seats: 8 },
      monthlyQuotas: { ai_queries: { limit: 3000 } },
    });
    expect(await seats()).toBe(8);
  });

  it('costs the plan’s price once for the seats that it includes', async () => {
    await buy({ planKey: 'team', seats: 5 });
    expect(shop.stripe.state.sessions.get(bought.sessionId)?.amount_total).toBe(23_900);
    expect(await seats()).toBe(5);
  });

  it('gives at least the seats that the plan includes, and follows their number down again', async () => {
    await buy({ planKey: 'team', seats: 8 });
    changeNow(shop.stripe.state, bought.subscriptionId, 'secapi_team_month', 2);
    await shop.work();
    expect(await seats()).toBe(5);
  });

  it('is upgraded at once; what is left of the period is prorated', async () => {
    await buy({ planKey: 'personal' });
    shop.pass(15 * DAY_MS);
    const invoice = changeNow(shop.stripe.state, bought.subscriptionId, 'secapi_team_month', 1);
    expect(invoice?.billing_reason).toBe('subscription_update');
    expect(Math.abs((invoice?.total ?? 0) - (23_900 - 5_500) / 2)).toBeLessThanOrEqual(2);
    await shop.work();
    expect(await billing()).toMatchObject({
      effectivePlanKey: 'team',
      billingState: 'team_active',
    });
    const [last, first] = await changes();
    expect(last).toMatchObject({
      actor: { type: 'stripe', id: bought.subscriptionId },
      before: { planKey: 'personal' },
      after: { planKey: 'team' },
    });
    expect(first.after.planKey).toBe('personal');
  });

  it('is downgraded at the period’s end, not before', async () => {
    await buy({ planKey: 'team', seats: 7 });
    changeAtPeriodEnd(shop.stripe.state, bought.subscriptionId, 'secapi_personal_month', 1);
    shop.pass(29 * DAY_MS);
    await shop.work();
    expect(await billing()).toMatchObject({ effectivePlanKey: 'team' });
    shop.pass(2 * DAY_MS);
    await shop.work();
    expect(await billing()).toMatchObject({
      effectivePlanKey: 'personal',
      billingState: 'personal_active',
    });
    expect(await seats()).toBe(1);
  });

  it('past due has its days of grace, then leaves reads alone, and recovers', async () => {
    await buy({ planKey: 'team' });
    setStatus(shop.stripe.state, bought.subscriptionId, 'past_due');
    await shop.work();
    expect((await billing()).billingState).toBe('payment_failed');
    expect((await charge('in-grace')).status).toBe(200);
    const grace = await shop.activities.readGrace(acme.orgId);
    expect(grace).toMatchObject({ isRunning: true, planKey: 'team' });

    await shop.activities.endGrace(acme.orgId);
    expect((await billing()).billingState).toBe('payment_failed');

    shop.pass(7 * DAY_MS + 1_000);
    expect(await shop.activities.endGrace(acme.orgId)).toMatchObject({ isRunning: false });
    await shop.activities.endGrace(acme.orgId);
    expect((await billing()).billingState).toBe('restricted_read_only');
    expect((await charge('too-late')).body).toMatchObject({
      code: 'billing_required',
      details: { reason: 'payment_failed' },
    });
    expect((await acme.call('GET', '/v1/events')).status).toBe(200);

    setStatus(shop.stripe.state, bought.subscriptionId, 'active');
    await shop.work();
    expect((await billing()).billingState).toBe('team_active');
    expect((await charge('paid-up')).status).toBe(200);
    const states = (await changes()).map(
      ({ after }: { after: { billingState: string } }) => after.billingState,
    );
    expect(states.reverse()).toEqual([
      'team_active',
      'payment_failed',
      'restricted_read_only',
      'team_active',
    ]);
  });

  it('tells a workflow where grace begins, and wakes it where grace is over', async () => {
    await buy({ planKey: 'team' });
    const commands = async (): Promise<string[]> => {
      const rows = await shop.api.database.db.query(
        `SELECT kind FROM outbox WHERE ref = $1 AND kind LIKE '%grace' ORDER BY id`,
        [acme.orgId],
      );
      return rows.map(({ kind }: { kind: string }) => kind);
    };
    setStatus(shop.stripe.state, bought.subscriptionId, 'past_due');
    await shop.stripe.settled();
    await shop.applyEvents();
    await shop.applyEvents();
    expect(await commands()).toEqual(['start_grace']);
    setStatus(shop.stripe.state, bought.subscriptionId, 'active');
    await shop.stripe.settled();
    await shop.applyEvents();
    expect(await commands()).toEqual(['start_grace', 'wake_grace']);
    await shop.work();
  });

  it('past due that was paid without our hearing of it is asked for anew, not restricted', async () => {
    await buy({ planKey: 'team' });
    setStatus(shop.stripe.state, bought.subscriptionId, 'past_due');
    await shop.work();
    shop.stripe.faults.add({ on: 'customer.subscription.updated', kind: 'drop' });
    setStatus(shop.stripe.state, bought.subscriptionId, 'active');
    shop.pass(8 * DAY_MS);
    await shop.activities.endGrace(acme.orgId);
    expect((await billing()).billingState).toBe('team_active');
    await shop.work();
  });

  it('overdue whose workflow is missing is ended by the sweep', async () => {
    await buy({ planKey: 'team' });
    setStatus(shop.stripe.state, bought.subscriptionId, 'past_due');
    await shop.work();
    shop.pass(8 * DAY_MS);
    expect((await shop.activities.sweepStripe()).overdue).toBe(1);
    expect((await shop.activities.sweepStripe()).overdue).toBe(0);
    expect((await billing()).billingState).toBe('restricted_read_only');
  });

  it('cancelled at the period’s end goes on until then, then falls back to pay as you go', async () => {
    await buy({ planKey: 'team' });
    cancelAtPeriodEnd(shop.stripe.state, bought.subscriptionId, true);
    await shop.work();
    expect(await billing()).toMatchObject({
      effectivePlanKey: 'team',
      subscription: { cancelAtPeriodEnd: true },
    });
    shop.pass(31 * DAY_MS);
    await shop.work();
    expect(await billing()).toMatchObject({
      effectivePlanKey: 'payg',
      billingState: 'payg_active',
      subscription: { status: 'canceled' },
    });
  });

  it('cancelled for want of payment falls back to the free grant, whatever card is on file', async () => {
    await buy({ planKey: 'team' });
    setStatus(shop.stripe.state, bought.subscriptionId, 'past_due');
    await shop.work();
    setStatus(shop.stripe.state, bought.subscriptionId, 'canceled');
    await shop.work();
    expect(await billing()).toMatchObject({
      effectivePlanKey: 'sandbox_grant',
      billingState: 'sandbox_grant',
    });
  });

  it('has its card added and removed, each audited once', async () => {
    await buy({ planKey: 'team' });
    removeCards(shop.stripe.state, bought.customerId);
    await shop.work();
    expect((await billing()).cardOnFile).toBe(false);
    addCard(shop.stripe.state, bought.customerId);
    await shop.work();
    expect((await billing()).cardOnFile).toBe(true);
    const audit = (await acme.call('GET', '/v1/audit/records')).body.data;
    const cards = audit
      .map(({ action }: { action: string }) => action)
      .filter((action: string) => action.startsWith('billing.card.'));
    expect(cards).toEqual(['billing.card.added', 'billing.card.removed', 'billing.card.added']);
  });

  it('at a price that a newer one has replaced is followed on', async () => {
    await buy({ planKey: 'personal' });
    const newer = { lookupKey: 'secapi_personal_month', cents: 6_600, interval: 'month' } as const;
    addPrice(shop.stripe.state, newer);
    cancelAtPeriodEnd(shop.stripe.state, bought.subscriptionId, true);
    await shop.work();
    expect((await billing()).subscription).toMatchObject({
      planKey: 'personal',
      cancelAtPeriodEnd: true,
    });
  });

  it('at a price that is in no catalogue is ignored and said', async () => {
    await buy({ planKey: 'personal' });
    const before = await shop.ignored('unknown_price');
    addPrice(shop.stripe.state, { lookupKey: 'other_shop', cents: 1, interval: 'month' });
    changeNow(shop.stripe.state, bought.subscriptionId, 'other_shop', 1);
    await shop.work();
    expect((await billing()).effectivePlanKey).toBe('personal');
    expect(await shop.ignored('unknown_price')).toBeGreaterThan(before);
  });

  it('at a price that is in no catalogue falls back all the same when it ends', async () => {
    await buy({ planKey: 'personal' });
    addPrice(shop.stripe.state, { lookupKey: 'third_shop', cents: 1, interval: 'month' });
    changeNow(shop.stripe.state, bought.subscriptionId, 'third_shop', 1);
    await shop.work();
    setStatus(shop.stripe.state, bought.subscriptionId, 'past_due');
    await shop.work();
    expect((await billing()).billingState).toBe('payment_failed');
    setStatus(shop.stripe.state, bought.subscriptionId, 'canceled');
    await shop.work();
    expect((await billing()).effectivePlanKey).toBe('sandbox_grant');
  });

  it('that was moved to another plan and ended before it was fetched falls back', async () => {
    await buy({ planKey: 'team' });
    changeNow(shop.stripe.state, bought.subscriptionId, 'secapi_personal_month', 1);
    setStatus(shop.stripe.state, bought.subscriptionId, 'canceled');
    await shop.work();
    expect((await billing()).effectivePlanKey).toBe('payg');
  });

  it('that ends decides, not a later one that never began', async () => {
    await buy({ planKey: 'personal' });
    shop.pass(DAY_MS);
    const { body } = await acme.call('POST', '/v1/billing/checkout', { planKey: 'team' });
    const { id } = shop.sessionOf(body.id as string);
    paySession(shop.stripe.state, id, 'slowly');
    await shop.work();
    settleSlowPayment(shop.stripe.state, id, false);
    await shop.work();
    setStatus(shop.stripe.state, bought.subscriptionId, 'canceled');
    await shop.work();
    expect(await billing()).toMatchObject({
      effectivePlanKey: 'payg',
      subscription: { id: bought.subscriptionId, status: 'canceled' },
    });
  });

  it('leaves a plan that an operator set until it changes itself', async () => {
    await buy({ planKey: 'personal' });
    const operator = await shop.api.newKey(acme.orgId, { scopes: ['admin:operator'] });
    const limits = `/v1/admin/orgs/${acme.orgId}/limits`;
    expect((await operator.call('PUT', limits, { planKey: 'team' })).status).toBe(200);
    cancelAtPeriodEnd(shop.stripe.state, bought.subscriptionId, true);
    await shop.work();
    expect(await billing()).toMatchObject({
      effectivePlanKey: 'team',
      subscription: { cancelAtPeriodEnd: true },
    });
    changeNow(shop.stripe.state, bought.subscriptionId, 'secapi_personal_month', 2);
    await shop.work();
    expect((await billing()).effectivePlanKey).toBe('personal');
  });

  it('that an operator has moved on from takes nothing back when a payment fails or comes late', async () => {
    await buy({ planKey: 'personal' });
    const operator = await shop.api.newKey(acme.orgId, { scopes: ['admin:operator'] });
    const limits = `/v1/admin/orgs/${acme.orgId}/limits`;
    expect((await operator.call('PUT', limits, { planKey: 'team' })).status).toBe(200);
    for (const status of ['past_due', 'active', 'past_due', 'unpaid', 'canceled']) {
      setStatus(shop.stripe.state, bought.subscriptionId, status);
      await shop.work();
      shop.pass(8 * DAY_MS);
      await shop.activities.endGrace(acme.orgId);
      expect(await billing()).toMatchObject({
        effectivePlanKey: 'team',
        billingState: 'team_active',
        subscription: { status },
      });
    }
  });

  it('that has ended takes nothing back from an operator who sets its plan anew, whatever is tried since', async () => {
    await buy({ planKey: 'team' });
    setStatus(shop.stripe.state, bought.subscriptionId, 'canceled');
    await shop.work();
    shop.pass(DAY_MS);
    const { body } = await acme.call('POST', '/v1/billing/checkout', { planKey: 'personal' });
    const operator = await shop.api.newKey(acme.orgId, { scopes: ['admin:operator'] });
    const limits = `/v1/admin/orgs/${acme.orgId}/limits`;
    expect((await operator.call('PUT', limits, { planKey: 'team' })).status).toBe(200);
    const session = shop.sessionOf(body.id as string);
    paySession(shop.stripe.state, session.id, 'slowly');
    await shop.work();
    settleSlowPayment(shop.stripe.state, session.id, false);
    await shop.work();
    expect((await billing()).effectivePlanKey).toBe('team');
  });

  it('is never set back by an answer that was fetched earlier', async () => {
    await buy({ planKey: 'personal' });
    const { stripe } = shop;
    let overtaken = false;
    stripe.whileHeld = async () => {
      overtaken = true;
      changeNow(stripe.state, bought.subscriptionId, 'secapi_team_month', 1);
      await stripe.settled();
      await shop.work();
    };
    stripe.faults.add({ on: 'GET /v1/subscriptions/{id}', kind: 'webhook_first' });
    await shop.activities.endGrace(acme.orgId);
    stripe.whileHeld = null;
    expect(overtaken).toBe(true);
    expect((await billing()).effectivePlanKey).toBe('team');
    expect(await changes()).toHaveLength(2);
  });
});

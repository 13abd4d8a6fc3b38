import { removeCards } from '../../devstack/stripe/acts/cards';
import { paySession, settleSlowPayment } from '../../devstack/stripe/acts/pay-session';
import { DAY_MS } from '../../platform/clock';
import { send, type Answer, type Tenant } from '../support/api';
import { openShop, type Shop } from '../support/shop';

describe('checkout', () => {
  let shop: Shop;
  let acme: Tenant;
  const buy = (more: object = {}, tenant = acme, headers = {}): Promise<Answer> =>
    tenant.call('POST', '/v1/billing/checkout', { planKey: 'team', ...more }, headers);
  const billing = async (tenant = acme) => (await tenant.call('GET', '/v1/billing')).body;
  const sessionOf = (checkoutId: string) => shop.sessionOf(checkoutId);
  const rows = async (table: string, where = 'org_id = $1') =>
    shop.api.database.db.query(`SELECT * FROM ${table} WHERE ${where}`, [acme.orgId]);
  beforeAll(async () => {
    shop = await openShop();
  });
  beforeEach(async () => {
    shop.stripe.faults.clear();
    acme = await shop.api.newTenant({ planKey: 'sandbox_grant' });
  });
  afterAll(() => shop.close());

  it('is answered with Stripe’s page, paid there, and puts the plan in force', async () => {
    const { status, body } = await buy();
    expect(status).toBe(200);
    expect(body).toMatchObject({
      object: 'billing_checkout_session',
      id: expect.stringMatching(/^chk_/),
      orgId: acme.orgId,
      planKey: 'team',
      livemode: true,
    });
    const page = await send(body.url as string, 'GET');
    expect(page.text).toContain('secapi_team_month: $239.00 a month');
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await send(body.url as string, 'POST', 'act=pay', form)).status).toBe(303);
    await shop.work();
    expect(await billing()).toMatchObject({
      effectivePlanKey: 'team',
      billingState: 'team_active',
      cardOnFile: true,
      customer: { object: 'billing_customer', orgId: acme.orgId },
      subscription: {
        object: 'billing_subscription',
        planKey: 'team',
        status: 'active',
        cancelAtPeriodEnd: false,
      },
      settlement: { provider: 'stripe', status: 'connected' },
    });
    const audit = (await acme.call('GET', '/v1/audit/records')).body.data;
    const actions = audit.map((row: { action: string }) => row.action);
    expect(actions).toContain('checkout.completed');
    expect(actions).toContain('billing.subscription.updated');
    expect((await acme.call('GET', '/v1/audit/verify')).body.ok).toBe(true);
  });

  it('is one while it is open: the same wish answers it, another replaces it', async () => {
    const first = (await buy()).body;
    expect((await buy()).body).toMatchObject({ id: first.id, url: first.url });
    const both = await Promise.all([buy(), buy()]);
    expect(both.map(({ body }) => body.id)).toEqual([first.id, first.id]);
    const other = (await buy({ planKey: 'personal' })).body;
    expect(other.id).not.toBe(first.id);
    expect(sessionOf(first.id as string).status).toBe('expired');
    expect((await rows('checkouts')).map((row: { status: string }) => row.status).sort()).toEqual([
      'expired',
      'open',
    ]);
  });

  it('opens one Session for ten requests at once', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => buy()));
    expect(new Set(answers.map(({ body }) => body.url)).size).toBe(1);
    expect(await rows('checkouts')).toHaveLength(1);
  });

  it('refuses what can’t be bought, with what to do', async () => {
    expect((await buy({ planKey: 'imaginary' })).body.details.issues[0].path).toBe('planKey');
    const contract = await buy({ planKey: 'commercial' });
    expect(contract).toMatchObject({
      status: 403,
      body: { code: 'feature_not_in_plan', details: { contactUrl: expect.any(String) } },
    });
    const team = await shop.api.newTenant({ planKey: 'team' });
    expect((await buy({ planKey: 'team' }, team)).status).toBe(409);
    expect((await buy({ planKey: 'personal' }, team)).status).toBe(409);
    expect((await buy({ planKey: 'sandbox_grant' })).status).toBe(409);
    expect((await buy({ planKey: 'personal', interval: 'year' })).status).toBe(400);
    const away = await buy({ successUrl: 'https://evil.example/' });
    expect(away.body.details.issues[0].path).toBe('successUrl');
    expect((await buy({ cancelUrl: 'javascript:alert(1)' })).status).toBe(400);
    const test = await shop.api.newKey(acme.orgId, { livemode: false });
    expect((await buy({}, test)).status).toBe(403);
  });

  it('answers 503 while Stripe is away, and goes on with the intent when it returns', async () => {
    shop.stripe.faults.add({ on: 'POST /v1/checkout/sessions', kind: 'status_500', times: 9 });
    const away = await buy();
    expect(away).toMatchObject({ status: 503, body: { code: 'dependency_unavailable' } });
    expect(away.headers.get('retry-after')).not.toBeNull();
    shop.stripe.faults.clear();
    await shop.work();
    const [intent] = await rows('checkouts');
    expect(intent).toMatchObject({ status: 'open', stripe_session_id: expect.any(String) });
    expect((await buy()).body).toMatchObject({ id: intent.id, url: intent.url });
  });

  it('puts a card on file and pays as one goes', async () => {
    const { body } = await acme.call('POST', '/v1/billing/payg/activate', {});
    expect(body).toMatchObject({ object: 'billing_checkout_session', planKey: 'payg' });
    paySession(shop.stripe.state, sessionOf(body.id as string).id);
    await shop.work();
    expect(await billing()).toMatchObject({
      effectivePlanKey: 'payg',
      billingState: 'payg_active',
      cardOnFile: true,
      cardRequired: false,
    });
    expect((await acme.call('POST', '/v1/billing/payg/activate', {})).status).toBe(409);
    const customer = [...shop.stripe.state.customers.values()].at(-1)?.id ?? '';
    removeCards(shop.stripe.state, customer);
    await shop.work();
    expect(await billing()).toMatchObject({ billingState: 'payg_pending_card', cardOnFile: false });
  });

  it('heals with every webhook lost, by its own poll', async () => {
    const { body } = await buy();
    for (const on of [
      'customer.subscription.created',
      'invoice.paid',
      'checkout.session.completed',
    ]) {
      shop.stripe.faults.add({ on, kind: 'drop' });
    }
    paySession(shop.stripe.state, sessionOf(body.id as string).id);
    await shop.stripe.settled();
    expect((await billing()).effectivePlanKey).toBe('sandbox_grant');
    await shop.activities.pollCheckout(body.id as string);
    expect((await billing()).effectivePlanKey).toBe('team');
  });

  it('takes a slow payment when it comes in, and fails when it does not', async () => {
    const slow = (await buy()).body;
    const session = sessionOf(slow.id as string).id;
    paySession(shop.stripe.state, session, 'slowly');
    await shop.work();
    expect((await billing()).effectivePlanKey).toBe('sandbox_grant');
    settleSlowPayment(shop.stripe.state, session, true);
    await shop.work();
    expect((await billing()).effectivePlanKey).toBe('team');
    acme = await shop.api.newTenant({ planKey: 'sandbox_grant' });
    const failing = (await buy()).body;
    const second = sessionOf(failing.id as string).id;
    paySession(shop.stripe.state, second, 'slowly');
    await shop.work();
    settleSlowPayment(shop.stripe.state, second, false);
    await shop.work();
    const [checkout] = await rows('checkouts');
    expect(checkout.status).toBe('failed');
    expect((await billing()).effectivePlanKey).toBe('sandbox_grant');
  });

  it('of a larger plan takes the place of the smaller one, which is ended at Stripe', async () => {
    const first = await shop.purchase(acme, { planKey: 'personal' });
    shop.pass(DAY_MS);
    shop.stripe.faults.add({ on: 'DELETE /v1/subscriptions/{id}', kind: 'status_500', times: 3 });
    const second = await shop.purchase(acme, { planKey: 'team' });
    await shop.work();
    await shop.activities.pollCheckout(second.checkoutId);
    await shop.work();
    const { subscriptions } = shop.stripe.state;
    expect(subscriptions.get(first.subscriptionId)?.status).toBe('canceled');
    expect(subscriptions.get(second.subscriptionId)?.status).toBe('active');
    expect(await billing()).toMatchObject({
      effectivePlanKey: 'team',
      subscription: { id: second.subscriptionId },
    });
    const changes = await acme.call('GET', '/v1/audit/records?action=billing.subscription.updated');
    expect(changes.body.data).toHaveLength(2);
    expect(shop.stripe.faults.waiting()).toEqual([]);
  });

  it.each(['the caller', 'the worker'])(
    'that another replaced while %s made its Session leaves none that can be paid',
    async (who) => {
      const { stripe } = shop;
      const on = 'POST /v1/checkout/sessions';
      if (who === 'the worker') {
        stripe.faults.add({ on, kind: 'status_500', times: 3 });
        expect((await buy()).status).toBe(503);
      }
      stripe.faults.add({ on, kind: 'webhook_first' });
      let other: Answer | null = null;
      stripe.whileHeld = async () => {
        other = await buy({ planKey: 'personal' });
      };
      if (who === 'the worker') {
        const [{ id }] = await rows('checkouts');
        expect(await shop.activities.pollCheckout(id)).toMatchObject({ status: 'expired' });
      } else expect(await buy()).toMatchObject({ status: 409, body: { code: 'conflict' } });
      stripe.whileHeld = null;
      expect(other).toMatchObject({ status: 200 });
      const [ended] = await rows('checkouts', `org_id = $1 AND status = 'expired'`);
      expect(ended).toMatchObject({ plan_key: 'team', url: null });
      expect(sessionOf(ended.id).status).toBe('expired');
    },
  );

  it('that had ended and was paid all the same leaves one subscription to pay for', async () => {
    const first = await shop.purchase(acme, { planKey: 'personal' });
    shop.pass(DAY_MS / 2);
    const { id } = (await buy()).body;
    await shop.api.database.db.query(`UPDATE checkouts SET status = 'expired' WHERE id = $1`, [id]);
    shop.stripe.faults.add({ on: 'checkout.session.completed', kind: 'drop' });
    paySession(shop.stripe.state, sessionOf(id as string).id);
    await shop.work();
    const { subscriptions } = shop.stripe.state;
    expect(subscriptions.get(first.subscriptionId)?.status).toBe('canceled');
    expect((await billing()).effectivePlanKey).toBe('team');
  });

  it('sends the customer back to where they came from, with the session’s id where it was asked for', async () => {
    const successUrl = 'http://127.0.0.1:5555/done?session_id={CHECKOUT_SESSION_ID}';
    const { body } = await buy({ successUrl });
    const { success_url: ours, id } = sessionOf(body.id as string);
    const back = await send(shop.api.url + new URL(ours ?? '').pathname, 'GET');
    expect(back.status).toBe(302);
    expect(back.headers.get('location')).toBe(`http://127.0.0.1:5555/done?session_id=${id}`);
  });

  it('answers 503 where Stripe refuses what only the operator can mend, and says why in the log', async () => {
    await buy();
    const customer = [...shop.stripe.state.customers.keys()].at(-1) ?? '';
    shop.stripe.state.customers.delete(customer);
    const refused = await acme.call('POST', '/v1/billing/portal', {});
    expect(refused).toMatchObject({ status: 503, body: { code: 'dependency_unavailable' } });
    expect(refused.headers.get('retry-after')).toBe('60');
    expect(refused.text).not.toContain(customer);
    expect(shop.logged.some((line) => line.includes(`No such customer: '${customer}'`))).toBe(true);
  });

  it('opens the portal for whoever bought something', async () => {
    expect((await acme.call('POST', '/v1/billing/portal', {})).status).toBe(409);
    await buy();
    const portal = await acme.call('POST', '/v1/billing/portal', {
      returnUrl: 'http://127.0.0.1:5555/back',
    });
    expect(portal.body).toMatchObject({ object: 'billing_portal_session', orgId: acme.orgId });
    expect((await send(portal.body.url as string, 'GET')).text).toContain('Portal');
    const config = await acme.call('GET', '/v1/billing/stripe-config');
    expect(config.body).toMatchObject({ object: 'stripe_config', publishableKey: 'pk_test_fake' });
  });
});

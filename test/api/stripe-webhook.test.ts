import { createHmac } from 'node:crypto';
import Stripe from 'stripe';
import { send, type Answer, type Tenant } from '../support/api';
import { openShop, WEBHOOK_SECRET, type Shop } from '../support/shop';

const stripe = new Stripe('sk_test_fake');

/** A body as Stripe sends it, about an object of some id. */
function told(
  id: string,
  of: { type?: string; object?: string; objectId?: string; livemode?: boolean; more?: object } = {},
): string {
  const { type = 'customer.subscription.updated', object = 'subscription' } = of;
  const { objectId = 'sub_nobody', livemode = false, more = {} } = of;
  const data = { object: { id: objectId, object, ...more } };
  return JSON.stringify({ id, object: 'event', type, created: 1, livemode, data });
}

const sign = (payload: string, more: object = {}): string =>
  stripe.webhooks.generateTestHeaderString({ payload, secret: WEBHOOK_SECRET, ...more });

describe('a webhook of Stripe', () => {
  let shop: Shop;
  let acme: Tenant;
  beforeAll(async () => {
    shop = await openShop();
    acme = await shop.api.newTenant({ planKey: 'sandbox_grant' });
  });
  afterAll(() => shop.close());

  const post = (payload: string, signature?: string): Promise<Answer> =>
    send(`${shop.api.url}/v1/billing/webhooks/stripe`, 'POST', payload, {
      'content-type': 'application/json',
      ...(signature === undefined ? {} : { 'stripe-signature': signature }),
    });
  const stored = async (): Promise<{ id: string; outcome: string | null }[]> =>
    shop.api.database.db.query(
      `SELECT id, outcome FROM stripe_events WHERE id LIKE 'evt_hook%' ORDER BY id`,
    );
  beforeEach(() => shop.api.database.db.query(`DELETE FROM stripe_events`));

  it('with no, a wrong, an old or another secret’s signature is 400 and stores nothing', async () => {
    const payload = told('evt_hook_bad');
    const now = Math.floor(Date.now() / 1_000);
    for (const signature of [
      undefined,
      '',
      't=1,v1=00',
      sign(payload, { timestamp: now - 301 }),
      sign(payload, { secret: 'whsec_other' }),
      sign(`${payload} `),
    ]) {
      const answer = await post(payload, signature);
      expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
      expect(answer.body.details.issues[0].path).toBe('Stripe-Signature');
    }
    expect(await stored()).toEqual([]);
    expect((await post(payload, sign(payload, { timestamp: now - 290 }))).status).toBe(200);
  });

  it('is refused where no secret is set, whatever it is signed with', async () => {
    const bare = await openShop({ STRIPE_WEBHOOK_SECRET: '' });
    const payload = told('evt_hook_bare');
    const at = Math.floor(Date.now() / 1_000);
    const forged = createHmac('sha256', '').update(`${at}.${payload}`).digest('hex');
    const answer = await send(`${bare.api.url}/v1/billing/webhooks/stripe`, 'POST', payload, {
      'content-type': 'application/json',
      'stripe-signature': `t=${at},v1=${forged}`,
    });
    expect(answer.status).toBe(400);
    await bare.close();
  });

  it('is stored once and answered for what it is', async () => {
    const payload = told('evt_hook_once');
    expect((await post(payload, sign(payload))).body).toMatchObject({
      object: 'billing_webhook_result',
      eventId: 'evt_hook_once',
      duplicate: false,
      status: 'processed',
      requestId: expect.stringMatching(/^req_/),
    });
    expect((await post(payload, sign(payload))).body).toMatchObject({
      status: 'duplicate',
      duplicate: true,
    });
    const other = told('evt_hook_other', { type: 'product.created' });
    expect((await post(other, sign(other))).body).toMatchObject({
      status: 'ignored',
      duplicate: false,
    });
    expect((await stored()).map(({ id }) => id)).toEqual(['evt_hook_once']);
  });

  it('over 512 KiB is 413', async () => {
    const payload = JSON.stringify({ id: 'evt_hook_big', pad: 'x'.repeat(513 * 1024) });
    expect(await post(payload, sign(payload))).toMatchObject({
      status: 413,
      body: { code: 'payload_too_large' },
    });
    expect(await stored()).toEqual([]);
  });

  it('of Stripe’s other mode is ignored, stores nothing, and is said in the log and the metric', async () => {
    const before = await shop.ignored('other_mode');
    const payload = told('evt_hook_live', { livemode: true });
    expect((await post(payload, sign(payload))).body.status).toBe('ignored');
    expect(await stored()).toEqual([]);
    expect(await shop.ignored('other_mode')).toBe(before + 1);
    expect(shop.logged.some((line) => line.includes('evt_hook_live'))).toBe(true);
  });

  it('of an object that turns out to be of the other mode changes nothing', async () => {
    const { body } = await acme.call('POST', '/v1/billing/checkout', { planKey: 'team' });
    const session = shop.sessionOf(body.id as string);
    Object.assign(session, { livemode: true, status: 'complete', payment_status: 'paid' });
    const before = await shop.ignored('other_mode');
    const payload = told('evt_hook_mode', {
      type: 'checkout.session.completed',
      object: 'checkout.session',
      objectId: session.id,
    });
    await post(payload, sign(payload));
    await shop.applyEvents();
    expect(await stored()).toEqual([{ id: 'evt_hook_mode', outcome: 'ignored: other_mode' }]);
    expect(await shop.ignored('other_mode')).toBe(before + 1);
    expect((await acme.call('GET', '/v1/billing')).body.effectivePlanKey).toBe('sandbox_grant');
    Object.assign(session, { livemode: false, status: 'open', payment_status: 'unpaid' });
  });

  it.each([
    ['checkout.session.completed', 'checkout.session', 'cs_test_foreign', 'foreign_session'],
    ['customer.subscription.updated', 'subscription', 'sub_foreign', 'foreign_subscription'],
    ['payment_method.attached', 'payment_method', 'pm_foreign', 'foreign_customer'],
    ['charge.dispute.created', 'dispute', 'du_foreign', 'foreign_customer'],
  ])('%s of somebody else’s %s is ignored and said', async (type, object, objectId, reason) => {
    sellElsewhere(shop);
    const before = await shop.ignored(reason);
    const id = `evt_hook_${objectId}`;
    const payload = told(id, { type, object, objectId, more: { customer: 'cus_foreign' } });
    await post(payload, sign(payload));
    await shop.applyEvents();
    expect(await stored()).toEqual([{ id, outcome: `ignored: ${reason}` }]);
    expect(await shop.ignored(reason)).toBe(before + 1);
    const said = shop.logged.filter((line) => line.includes('ignored') && line.includes(reason));
    expect(JSON.parse(said.at(-1) ?? '{}')).toMatchObject({ reason, level: 40 });
  });

  it('of another organization’s session leaves both as they were', async () => {
    const other = await shop.api.newTenant({ planKey: 'sandbox_grant' });
    const theirs = await other.call('POST', '/v1/billing/checkout', { planKey: 'team' });
    const mine = await acme.call('POST', '/v1/billing/checkout', { planKey: 'team' });
    const session = shop.sessionOf(theirs.body.id as string);
    const { customer } = session;
    Object.assign(session, { customer: shop.sessionOf(mine.body.id as string).customer });
    const before = await shop.ignored('foreign_session');
    const payload = told('evt_hook_mixed', {
      type: 'checkout.session.completed',
      object: 'checkout.session',
      objectId: session.id,
    });
    await post(payload, sign(payload));
    await shop.applyEvents();
    expect(await shop.ignored('foreign_session')).toBe(before + 1);
    for (const tenant of [acme, other]) {
      const { body } = await tenant.call('GET', '/v1/billing');
      expect(body.effectivePlanKey).toBe('sandbox_grant');
    }
    Object.assign(session, { customer });
  });
});

/** Objects of the same Stripe account that are none of ours: another shop's. */
function sellElsewhere({ stripe: { state } }: Shop): void {
  const [session] = state.sessions.values();
  if (!session) throw new Error('a session is needed as a pattern');
  state.sessions.set('cs_test_foreign', {
    ...session,
    id: 'cs_test_foreign',
    client_reference_id: 'order_17',
    customer: 'cus_foreign',
  });
  state.subscriptions.set('sub_foreign', {
    id: 'sub_foreign',
    customer: 'cus_foreign',
    livemode: false,
    metadata: {},
    created: 1,
    items: { object: 'list', data: [], has_more: false, url: '' },
  } as unknown as Stripe.Subscription);
  const charge = { id: 'ch_foreign', customer: 'cus_foreign', livemode: false };
  state.charges.set('ch_foreign', charge as Stripe.Charge);
  const dispute = {
    id: 'du_foreign',
    charge: 'ch_foreign',
    amount: 1,
    currency: 'usd',
    created: 1,
  };
  state.disputes.set('du_foreign', dispute as Stripe.Dispute);
}

import { setStatus } from '../../devstack/stripe/acts/subscription-life';
import type { FakeEvent } from '../../devstack/stripe/state';
import { isRelevant, SWEPT_TYPES } from '../../entities/stripe-event';
import { DAY_MS } from '../../platform/clock';
import { openShop, type Shop } from '../support/shop';

describe('sweeping Stripe’s list of events', () => {
  let shop: Shop;
  beforeEach(async () => {
    shop = await openShop();
  });
  afterEach(() => shop.close());

  /** Events that were lost on their way, one a second since some hours ago. */
  function lose(count: number, type: FakeEvent['type'], hoursAgo: number): void {
    const { state } = shop.stripe;
    const start = state.now() - hoursAgo * 3_600;
    for (let index = 0; index < count; index++) {
      state.events.push({
        id: state.id('evt'),
        object: 'event',
        type,
        api_version: null,
        created: start + index,
        livemode: false,
        pending_webhooks: 0,
        request: null,
        data: { object: { object: 'customer', id: 'cus_lost' } },
      });
    }
  }

  it('finds one that is hidden behind ten thousand that are none of ours', async () => {
    lose(1, 'customer.updated', 4);
    lose(10_001, 'charge.succeeded', 3);
    expect((await shop.activities.sweepStripe()).found).toBe(1);
  });

  it('reads a span of too many events in smaller ones, each event once', async () => {
    lose(2_500, 'customer.updated', 3);
    expect((await shop.activities.sweepStripe()).found).toBe(2_500);
    expect((await shop.activities.sweepStripe()).found).toBe(0);
  });

  it('keeps the marks of the spans that it has read when Stripe goes away', async () => {
    lose(1, 'customer.updated', 20);
    const { faults } = shop.stripe;
    const on = 'GET /v1/events';
    faults.add({ on, kind: 'webhook_first' });
    shop.stripe.whileHeld = async () => faults.add({ on, kind: 'status_500', times: 2 });
    await expect(shop.activities.sweepStripe()).rejects.toThrow('Stripe does not answer');
    const { db } = shop.api.database;
    expect(await db.query(`SELECT via FROM stripe_events`)).toEqual([{ via: 'sweep' }]);
    expect(await db.query(`SELECT name FROM stripe_marks`)).toEqual([{ name: 'events' }]);
    expect((await shop.activities.sweepStripe()).found).toBe(0);
  });

  it('ends what is overdue also while the list cannot be read', async () => {
    const acme = await shop.api.newTenant({ planKey: 'sandbox_grant' });
    const { subscriptionId } = await shop.purchase(acme, { planKey: 'team' });
    setStatus(shop.stripe.state, subscriptionId, 'past_due');
    await shop.work();
    shop.pass(8 * DAY_MS);
    shop.stripe.faults.add({ on: 'GET /v1/events', kind: 'status_500', times: 9 });
    await expect(shop.activities.sweepStripe()).rejects.toThrow('Stripe does not answer');
    const { body } = await acme.call('GET', '/v1/billing');
    expect(body.billingState).toBe('restricted_read_only');
  });

  it('asks for no more types than Stripe takes, each of them relevant', () => {
    expect(SWEPT_TYPES.length).toBeLessThanOrEqual(20);
    expect(SWEPT_TYPES.filter((type) => !isRelevant(type))).toEqual([]);
  });
});

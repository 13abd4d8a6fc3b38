import type Stripe from 'stripe';
import { loadCatalog, type Catalog } from '../../catalog/load-catalog';
import { syncPrices } from '../../cli/sync-prices';
import { startFakeStripe, type FakeStripe } from '../../devstack/stripe/server';
import { createStripeClient } from '../../integrations/stripe';

describe('npm run stripe:sync', () => {
  let fake: FakeStripe;
  let stripe: Stripe;
  const catalog = loadCatalog('');
  const dearer: Catalog = {
    ...catalog,
    plans: catalog.plans.map((plan) =>
      plan.key === 'personal' ? { ...plan, monthlyPriceUsd: 66 } : plan,
    ),
  };
  beforeEach(async () => {
    fake = await startFakeStripe({ webhookSecret: '', webhookUrl: () => null, prices: [] });
    stripe = createStripeClient('sk_test_fake', fake.url);
  });
  afterEach(() => fake.close());

  const kept = (): string => JSON.stringify([[...fake.state.prices], [...fake.state.products]]);
  const statesOf = async (of: Catalog, write: boolean): Promise<Record<string, string>> =>
    Object.fromEntries(
      (await syncPrices(stripe, of, write)).map(({ lookupKey, state }) => [lookupKey, state]),
    );
  const every = (state: string) => ({
    secapi_personal_month: state,
    secapi_team_month: state,
    secapi_team_year: state,
  });

  it('says without --write what is missing, and changes nothing', async () => {
    const before = kept();
    expect(await statesOf(catalog, false)).toEqual(every('missing'));
    expect(kept()).toBe(before);
  });

  it('makes a product a plan and a price an interval; a second run changes nothing', async () => {
    expect(await statesOf(catalog, true)).toEqual(every('made'));
    expect([...fake.state.products.keys()]).toEqual(['secapi_personal', 'secapi_team']);
    expect(fake.state.priceOf('secapi_team_year')).toMatchObject({
      product: 'secapi_team',
      unit_amount: 238_800,
      recurring: { interval: 'year' },
      metadata: { plan_key: 'team' },
    });
    const before = kept();
    expect(await statesOf(catalog, true)).toEqual(every('as it should be'));
    expect(kept()).toBe(before);
  });

  it('gives a plan whose price has changed a new one under the same key, beside the old', async () => {
    await syncPrices(stripe, catalog, true);
    const old = fake.state.priceOf('secapi_personal_month');
    const [told] = await syncPrices(stripe, dearer, false);
    expect(told).toMatchObject({ state: 'differs', atStripe: '5500 cents a month', cents: 6_600 });
    expect(fake.state.priceOf('secapi_personal_month')).toBe(old);
    expect(await statesOf(dearer, true)).toEqual({
      ...every('as it should be'),
      secapi_personal_month: 'made',
    });
    expect(fake.state.priceOf('secapi_personal_month').unit_amount).toBe(6_600);
    expect(old).toMatchObject({ active: true, lookup_key: null, unit_amount: 5_500 });
    expect(await statesOf(dearer, true)).toEqual(every('as it should be'));
    expect(fake.state.products.size).toBe(2);
  });
});

import type Stripe from 'stripe';
import type { Catalog } from '../catalog/load-catalog';

/** A price of the catalogue beside what Stripe has under its lookup key. */
export interface SyncedPrice {
  readonly lookupKey: string;
  readonly cents: number;
  readonly interval: 'month' | 'year';
  readonly state: 'as it should be' | 'missing' | 'differs' | 'made';
  /** What Stripe has, where it differs. */
  readonly atStripe: string | null;
}

interface Wanted extends Pick<SyncedPrice, 'lookupKey' | 'cents' | 'interval'> {
  readonly planKey: string;
  readonly planName: string;
}

/**
 * Compares the catalogue's prices with Stripe's by lookup key; with `write` makes what is missing or differs: a product a
 * plan, a price an interval. Prices at Stripe never change: a new one takes over the lookup key, and who has bought at the
 * old one keeps it. Safe to repeat: a second run changes nothing.
 */
export async function syncPrices(
  stripe: Stripe,
  catalog: Catalog,
  write: boolean,
): Promise<SyncedPrice[]> {
  const synced: SyncedPrice[] = [];
  for (const wanted of wantedPrices(catalog)) {
    const { lookupKey, cents, interval } = wanted;
    const list = { lookup_keys: [lookupKey], active: true, limit: 1 };
    const [there] = (await stripe.prices.list(list)).data;
    const same = there?.unit_amount === cents && there.recurring?.interval === interval;
    const atStripe =
      there && !same ? `${there.unit_amount} cents a ${there.recurring?.interval}` : null;
    const found = same ? 'as it should be' : there ? 'differs' : 'missing';
    if (!same && write) await makePrice(stripe, wanted);
    synced.push({
      lookupKey,
      cents,
      interval,
      atStripe,
      state: same || !write ? found : 'made',
    });
  }
  return synced;
}

function wantedPrices(catalog: Catalog): Wanted[] {
  return catalog.plans.flatMap((plan) =>
    (['month', 'year'] as const).flatMap((interval) => {
      const lookupKey = plan.prices[interval];
      const usd = interval === 'month' ? plan.monthlyPriceUsd : plan.annualPriceUsd;
      if (lookupKey === undefined || usd === null) return [];
      const cents = Math.round(usd * 100);
      return [{ planKey: plan.key, planName: plan.displayName, lookupKey, cents, interval }];
    }),
  );
}

async function makePrice(
  stripe: Stripe,
  { planKey, planName, lookupKey, cents, interval }: Wanted,
): Promise<void> {
  await stripe.prices.create({
    currency: 'usd',
    unit_amount: cents,
    recurring: { interval },
    lookup_key: lookupKey,
    transfer_lookup_key: true,
    product: await ensureProduct(stripe, `secapi_${planKey}`, planName),
    metadata: { plan_key: planKey },
  });
}

/** The plan's product, under an id of ours; made where it isn't there. */
async function ensureProduct(stripe: Stripe, id: string, name: string): Promise<string> {
  try {
    return (await stripe.products.retrieve(id)).id;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode !== 404) throw error;
    return (await stripe.products.create({ id, name })).id;
  }
}

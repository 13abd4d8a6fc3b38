import Stripe from 'stripe';
import { loadCatalog } from '../catalog/load-catalog';
import { runCommand } from './database';
import { table } from './table';

const USAGE = `npm run stripe:sync [-- --write]

  Compares the catalogue's prices with Stripe's, by lookup key, and says what is missing or differs.
  --write makes what is missing (a product a plan, a price an interval); prices at Stripe are never changed:
  one that differs gets a new price that takes over its lookup key.`;

interface Wanted {
  readonly plan: string;
  readonly lookupKey: string;
  readonly cents: number;
  readonly interval: 'month' | 'year';
}

runCommand(async () => {
  const key = process.env['STRIPE_SECRET_KEY'];
  if (!key || process.argv.includes('--help')) {
    console.error(
      key ? USAGE : 'STRIPE_SECRET_KEY is not set: it names the account to compare with.',
    );
    return 2;
  }
  const write = process.argv.includes('--write');
  const stripe = new Stripe(key, hostOf(process.env['STRIPE_API_URL'] ?? ''));
  const rows: string[][] = [];
  for (const wanted of wantedPrices()) {
    const { data } = await stripe.prices.list({ lookup_keys: [wanted.lookupKey], limit: 1 });
    const [there] = data;
    const same =
      there?.unit_amount === wanted.cents && there.recurring?.interval === wanted.interval;
    const state = same ? 'as it should be' : there ? `costs ${there.unit_amount}` : 'missing';
    if (!same && write) await createPrice(stripe, wanted);
    rows.push([
      wanted.lookupKey,
      String(wanted.cents),
      wanted.interval,
      same || !write ? state : 'made',
    ]);
  }
  console.log(table(['lookup key', 'cents', 'interval', 'at Stripe'], rows));
  const open = rows.filter(
    ([, , , state]) => state !== 'as it should be' && state !== 'made',
  ).length;
  if (open > 0) console.log(`\n${open} to be made: run it again with --write.`);
  return open > 0 ? 1 : 0;
});

function wantedPrices(): Wanted[] {
  return loadCatalog(process.env['CATALOG_PATH']).plans.flatMap((plan) =>
    (['month', 'year'] as const).flatMap((interval) => {
      const lookupKey = plan.prices[interval];
      const usd = interval === 'month' ? plan.monthlyPriceUsd : plan.annualPriceUsd;
      if (lookupKey === undefined || usd === null) return [];
      return [{ plan: plan.displayName, lookupKey, cents: Math.round(usd * 100), interval }];
    }),
  );
}

async function createPrice(
  stripe: Stripe,
  { plan, lookupKey, cents, interval }: Wanted,
): Promise<void> {
  await stripe.prices.create({
    currency: 'usd',
    unit_amount: cents,
    recurring: { interval },
    lookup_key: lookupKey,
    transfer_lookup_key: true,
    product_data: { name: plan },
  });
}

function hostOf(apiUrl: string) {
  if (apiUrl === '') return {};
  const { protocol, hostname, port } = new URL(apiUrl);
  return {
    protocol: protocol === 'https:' ? ('https' as const) : ('http' as const),
    host: hostname,
    port: Number(port),
  };
}

import { loadCatalog } from '../catalog/load-catalog';
import { createStripeClient } from '../integrations/stripe';
import { runCommand } from './database';
import { syncPrices } from './sync-prices';
import { table } from './table';

const USAGE = `npm run stripe:sync [-- --write]

  Compares the catalogue's prices with Stripe's, by lookup key, and says what is missing or differs.
  --write makes what is missing (a product a plan, a price an interval); prices at Stripe are never changed:
  one that differs gets a new price that takes over its lookup key.`;

runCommand(async () => {
  const key = process.env['STRIPE_SECRET_KEY'];
  if (!key || process.argv.includes('--help')) {
    console.error(
      key ? USAGE : 'STRIPE_SECRET_KEY is not set: it names the account to compare with.',
    );
    return 2;
  }
  const stripe = createStripeClient(key, process.env['STRIPE_API_URL'] ?? '');
  const catalog = loadCatalog(process.env['CATALOG_PATH']);
  const synced = await syncPrices(stripe, catalog, process.argv.includes('--write'));
  const rows = synced.map(({ lookupKey, cents, interval, state, atStripe }) => [
    lookupKey,
    String(cents),
    interval,
    atStripe === null ? state : `${state} (there: ${atStripe})`,
  ]);
  console.log(table(['lookup key', 'cents', 'interval', 'at Stripe'], rows));
  const open = synced.filter(({ state }) => state === 'missing' || state === 'differs').length;
  if (open > 0) console.log(`\n${open} to be made: run it again with --write.`);
  return open > 0 ? 1 : 0;
});

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { loadCatalog } from '../../catalog/load-catalog';
import type { Plan } from '../../catalog/schema';
import { startFakeStripe, type InitialPrice } from './server';

const SAVE_MS = 500;

/** The stand-in for Stripe as a process of the dev stack; what it knows is kept in STRIPE_FILE. */
async function main(): Promise<void> {
  const { STRIPE_PORT: port, STRIPE_FILE: file = '', STRIPE_WEBHOOK_URL: hook } = process.env;
  const stripe = await startFakeStripe({
    port: Number(port),
    webhookSecret: process.env['STRIPE_WEBHOOK_SECRET'] ?? '',
    webhookUrl: () => hook ?? null,
    prices: pricesOf(loadCatalog(process.env['CATALOG_PATH']).plans),
  });
  if (existsSync(file)) stripe.state.restore(readFileSync(file, 'utf8'));
  let saved = '';
  const save = (): void => {
    const snapshot = stripe.state.snapshot();
    if (snapshot === saved) return;
    writeFileSync(`${file}.new`, snapshot, { mode: 0o600 });
    renameSync(`${file}.new`, file);
    saved = snapshot;
  };
  setInterval(save, SAVE_MS).unref();
  const stop = (): void => {
    save();
    void stripe.close().then(() => process.exit(0));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

/** What the catalogue sells, in cents. */
function pricesOf(plans: readonly Plan[]): InitialPrice[] {
  return plans.flatMap((plan) =>
    (['month', 'year'] as const).flatMap((interval) => {
      const lookupKey = plan.prices[interval];
      const usd = interval === 'month' ? plan.monthlyPriceUsd : plan.annualPriceUsd;
      if (lookupKey === undefined || usd === null) return [];
      return [{ lookupKey, cents: Math.round(usd * 100), interval }];
    }),
  );
}

if (require.main === module) void main();

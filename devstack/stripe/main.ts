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
  let saved = 0;
  const save = (): void => {
    if (stripe.requests() === saved) return;
    saved = stripe.requests();
    writeFileSync(`${file}.new`, stripe.state.snapshot(), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  };
  /** The more there is, the seldomer it is saved: at most a fiftieth of the time goes into it. */
  const keepSaving = (afterMs: number): void => {
    setTimeout(() => {
      const startedAt = performance.now();
      save();
      keepSaving(Math.max(SAVE_MS, 50 * (performance.now() - startedAt)));
    }, afterMs).unref();
  };
  keepSaving(SAVE_MS);
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

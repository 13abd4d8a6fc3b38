import { createStripeActivities, type StripeActivities } from '../../activities/reconcile-stripe';
import { startFakeStripe, type FakeStripe } from '../../devstack/stripe/server';
import { run, statement } from '../../entities/sql';
import { createLog } from '../../platform/log';
import { freePort } from '../../devstack/ports';
import { createStripePort } from '../../integrations/stripe';
import { startApi, type TestApi } from './api';

const WEBHOOK_SECRET = 'whsec_test_of_the_fake';

/** The API with a fake Stripe beside it, and the worker's part of reconciliation, done on demand. */
export interface Shop {
  readonly api: TestApi;
  readonly stripe: FakeStripe;
  readonly activities: StripeActivities;
  /** Does what the outbox asks of the worker until nothing is left; failures are tried again. */
  work(): Promise<void>;
  close(): Promise<void>;
}

const pending = statement<{ id: string; kind: string; ref: string }>(
  'test-pending-commands',
  `SELECT id::text, kind, ref FROM outbox WHERE kind IN ('start_checkout', 'wake_checkout')
   UNION ALL SELECT id, 'stripe_event', id FROM stripe_events WHERE applied_at IS NULL`,
);
const done = statement('test-command-done', `DELETE FROM outbox WHERE id::text = $1`);

export async function openShop(settings: Record<string, string> = {}): Promise<Shop> {
  let webhookUrl: string | null = null;
  const stripe = await startFakeStripe({
    webhookSecret: WEBHOOK_SECRET,
    webhookUrl: () => webhookUrl,
    prices: [
      { lookupKey: 'secapi_personal_month', cents: 5_500, interval: 'month' },
      { lookupKey: 'secapi_team_month', cents: 23_900, interval: 'month' },
      { lookupKey: 'secapi_team_year', cents: 238_800, interval: 'year' },
    ],
  });
  const port = await freePort();
  const api = await startApi({
    STRIPE_SECRET_KEY: 'sk_test_fake',
    STRIPE_PUBLISHABLE_KEY: 'pk_test_fake',
    STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
    STRIPE_API_URL: stripe.url,
    ALLOWED_RETURN_ORIGINS: 'loopback',
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    ...settings,
  });
  webhookUrl = `${api.url}/v1/billing/webhooks/stripe`;
  const { db } = api.database;
  const activities = createStripeActivities({
    db,
    clock: api.context.clock,
    log: createLog('test', 'silent'),
    schedule: api.context.schedule,
    catalog: api.context.catalog,
    stripe: createStripePort({
      secretKey: 'sk_test_fake',
      apiUrl: stripe.url,
      webhookSecret: WEBHOOK_SECRET,
    }),
    publicUrl: api.config.PUBLIC_URL,
    graceDays: api.config.PAYMENT_GRACE_DAYS,
    wake: () => undefined,
  });
  const carryOut = async ({ kind, ref }: { kind: string; ref: string }): Promise<void> => {
    if (kind === 'stripe_event') await activities.applyStripeEvent(ref);
    else await activities.pollCheckout(ref);
  };
  return {
    api,
    stripe,
    activities,
    async work() {
      for (let turns = 0; turns < 50; turns++) {
        await stripe.settled();
        const commands = await run(db, pending, []);
        if (commands.length === 0) return;
        for (const command of commands) {
          const ok = await carryOut(command).then(
            () => true,
            () => false,
          );
          if (ok) await run(db, done, [command.id]);
        }
      }
      throw new Error('the commands do not come to an end');
    },
    async close() {
      await api.close();
      await stripe.close();
    },
  };
}

import type Stripe from 'stripe';
import { createStripeActivities, type StripeActivities } from '../../activities/stripe';
import { advanceClock } from '../../devstack/stripe/acts/advance-clock';
import { paySession } from '../../devstack/stripe/acts/pay-session';
import { idOf } from '../../devstack/stripe/shapes/reference';
import { startFakeStripe, type FakeStripe } from '../../devstack/stripe/server';
import { run, statement } from '../../entities/sql';
import { freePort } from '../../devstack/ports';
import { createStripePort } from '../../integrations/stripe';
import { createLog } from '../../platform/log';
import { send, startApi, type Tenant, type TestApi } from './api';

export const WEBHOOK_SECRET = 'whsec_test_of_the_fake';

/** What a purchase left at Stripe, by id. */
export interface Bought {
  readonly checkoutId: string;
  readonly sessionId: string;
  readonly subscriptionId: string;
  readonly customerId: string;
}

/** The API with a fake Stripe beside it, and the worker's part of reconciliation, done on demand. */
export interface Shop {
  readonly api: TestApi;
  readonly stripe: FakeStripe;
  readonly activities: StripeActivities;
  /** What was logged, a line each. */
  readonly logged: readonly string[];
  /** The Session of a checkout. Throws where there is none. */
  sessionOf(checkoutId: string): Stripe.Checkout.Session;
  /** Opens a checkout, pays it on Stripe's page, and waits until it is in force. */
  purchase(tenant: Tenant, wish: object): Promise<Bought>;
  /** Lets time pass, here and on Stripe's test clock. */
  pass(ms: number): void;
  /** How often something was ignored for a reason, as /metrics tells it. */
  ignored(reason: string): Promise<number>;
  /** Acts once on every event that waits. */
  applyEvents(): Promise<void>;
  /** Does what the outbox asks of the worker until nothing is left; failures are tried again. */
  work(): Promise<void>;
  close(): Promise<void>;
}

const pending = statement<{ id: string; kind: string; ref: string }>(
  'test-pending-commands',
  `SELECT id::text, kind, ref FROM outbox WHERE kind IN ('start_checkout', 'wake_checkout', 'start_grace', 'wake_grace')
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
  const logged: string[] = [];
  let aheadMs = 0;
  const clock = { now: () => new Date(Date.now() + aheadMs) };
  const log = createLog('test', 'info', { write: (line: string) => void logged.push(line) });
  const given = {
    STRIPE_SECRET_KEY: 'sk_test_fake',
    STRIPE_PUBLISHABLE_KEY: 'pk_test_fake',
    STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
    STRIPE_API_URL: stripe.url,
    ALLOWED_RETURN_ORIGINS: 'loopback',
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    ...settings,
  };
  const api = await startApi(given, clock, log);
  webhookUrl = `${api.url}/v1/billing/webhooks/stripe`;
  const { db } = api.database;
  const activities = createStripeActivities({
    db,
    clock,
    log,
    schedule: api.context.schedule,
    catalog: api.context.catalog,
    stripe: createStripePort({
      secretKey: api.config.STRIPE_SECRET_KEY,
      apiUrl: stripe.url,
      webhookSecret: WEBHOOK_SECRET,
    }),
    publicUrl: api.config.PUBLIC_URL,
    graceDays: api.config.PAYMENT_GRACE_DAYS,
    countIgnored: api.context.countIgnored,
    wake: () => undefined,
  });
  const carryOut = async ({ kind, ref }: { kind: string; ref: string }): Promise<void> => {
    if (kind === 'stripe_event') await activities.applyStripeEvent(ref);
    else if (kind.endsWith('_grace')) await activities.readGrace(ref);
    else await activities.pollCheckout(ref);
  };
  const sessionOf = (checkoutId: string): Stripe.Checkout.Session => {
    const sessions = [...stripe.state.sessions.values()];
    const found = sessions.find(({ client_reference_id: id }) => id === checkoutId);
    if (!found) throw new Error(`no session of ${checkoutId}`);
    return found;
  };
  const shop: Shop = {
    api,
    stripe,
    activities,
    logged,
    sessionOf,
    async purchase(tenant, wish) {
      const { body } = await tenant.call('POST', '/v1/billing/checkout', wish);
      const checkoutId = (body as { id: string }).id;
      const session = sessionOf(checkoutId);
      paySession(stripe.state, session.id);
      await shop.work();
      const { id: sessionId, subscription, customer } = session;
      return {
        checkoutId,
        sessionId,
        subscriptionId: idOf(subscription),
        customerId: idOf(customer),
      };
    },
    pass(ms) {
      aheadMs += ms;
      advanceClock(stripe.state, ms / 1_000);
    },
    async ignored(reason) {
      const { text } = await send(`${api.url}/metrics`, 'GET');
      const found = new RegExp(`^secapi_stripe_ignored_total\\{reason="${reason}"\\} (\\d+)`, 'm');
      return Number(found.exec(text)?.[1]);
    },
    async applyEvents() {
      const commands = await run(db, pending, []);
      for (const { kind, ref } of commands) {
        if (kind === 'stripe_event') await activities.applyStripeEvent(ref);
      }
    },
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
  return shop;
}

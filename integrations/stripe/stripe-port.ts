import Stripe from 'stripe';
import {
  eventView,
  sessionView,
  subscriptionView,
  type CheckoutWish,
  type SessionView,
  type StripeEventView,
  type SubscriptionView,
} from './stripe-views';

/** Stripe doesn't answer, or says that it can't at the moment: the same call may succeed later. */
export class StripeAway extends Error {
  readonly code = 'STRIPE_AWAY';
}

/** What we ask of Stripe. Each call is safe to repeat. Throws StripeAway. */
export interface StripePort {
  /** The organization's customer: one, however often it is asked for. */
  ensureCustomer(orgId: string, name: string | null): Promise<string>;
  /** The Session of our checkout: one, however often it is asked for. Throws StripeAway also where the price isn't there yet. */
  createSession(wish: CheckoutWish): Promise<SessionView>;
  readSession(id: string): Promise<SessionView | null>;
  /** Ends an open Session; one that has ended stays as it is. */
  expireSession(id: string): Promise<void>;
  readSubscription(id: string): Promise<SubscriptionView | null>;
  /** The portal's link, where a customer changes plan, card and invoices. */
  openPortal(customerId: string, returnUrl: string): Promise<{ id: string; url: string }>;
  /** Whether a customer has a card that can be charged. */
  hasCard(customerId: string): Promise<boolean>;
  /** Events since a time, newest first, all pages. */
  eventsSince(since: Date): Promise<StripeEventView[]>;
  /** The event in a webhook's body; null where the signature is missing, wrong or over 5 minutes old. */
  verifyEvent(body: string, signature: string | undefined): StripeEventView | null;
  /** The customer that an invoice, dispute or refund belongs to, and its subscription. */
  readInvoice(
    id: string,
  ): Promise<{ customerId: string | null; subscriptionId: string | null } | null>;
}

const TIMEOUT_MS = 10_000;
const TOLERANCE_SECONDS = 300;
const MOST_EVENTS = 10_000;

export function createStripePort(options: {
  readonly secretKey: string;
  /** Another server than Stripe's own (the dev stack's), or ''. */
  readonly apiUrl: string;
  readonly webhookSecret: string;
}): StripePort {
  const stripe = new Stripe(options.secretKey, {
    maxNetworkRetries: 1,
    timeout: TIMEOUT_MS,
    telemetry: false,
    ...hostOf(options.apiUrl),
  });

  return {
    ensureCustomer: (orgId, name) =>
      asking(async () => {
        const params = { metadata: { org_id: orgId }, ...(name === null ? {} : { name }) };
        const idempotencyKey = `customer:${orgId}`;
        return (await stripe.customers.create(params, { idempotencyKey })).id;
      }),

    createSession: (wish) =>
      asking(async () => {
        const metadata = { org_id: wish.orgId, checkout_id: wish.checkoutId };
        const shared = {
          customer: wish.customerId,
          client_reference_id: wish.checkoutId,
          success_url: wish.successUrl,
          cancel_url: wish.cancelUrl,
          metadata,
        };
        const params: Stripe.Checkout.SessionCreateParams =
          wish.mode === 'setup'
            ? { ...shared, mode: 'setup', currency: 'usd' }
            : {
                ...shared,
                mode: 'subscription',
                line_items: [{ price: await priceOf(wish.lookupKey), quantity: wish.quantity }],
                subscription_data: { metadata },
              };
        const idempotencyKey = `checkout:${wish.checkoutId}`;
        return sessionView(await stripe.checkout.sessions.create(params, { idempotencyKey }));
      }),

    readSession: (id) =>
      asking(() => orNull(async () => sessionView(await stripe.checkout.sessions.retrieve(id)))),

    expireSession: (id) =>
      asking(async () => {
        try {
          await stripe.checkout.sessions.expire(id);
        } catch (error) {
          if (!isRefusal(error)) throw error;
        }
      }),

    readSubscription: (id) =>
      asking(() => orNull(async () => subscriptionView(await stripe.subscriptions.retrieve(id)))),

    openPortal: (customer, returnUrl) =>
      asking(async () => {
        const params = { customer, return_url: returnUrl };
        const { id, url } = await stripe.billingPortal.sessions.create(params);
        return { id, url };
      }),

    hasCard: (customer) =>
      asking(async () => {
        const { data } = await stripe.paymentMethods.list({ customer, type: 'card', limit: 1 });
        return data.length > 0;
      }),

    eventsSince: (since) =>
      asking(async () => {
        const created = { gte: Math.floor(since.getTime() / 1_000) };
        const events: StripeEventView[] = [];
        for await (const event of stripe.events.list({ created, limit: 100 })) {
          events.push(eventView(event));
          if (events.length >= MOST_EVENTS) break;
        }
        return events;
      }),

    verifyEvent(body, signature) {
      if (signature === undefined) return null;
      try {
        const { webhookSecret } = options;
        return eventView(
          stripe.webhooks.constructEvent(body, signature, webhookSecret, TOLERANCE_SECONDS),
        );
      } catch {
        return null;
      }
    },

    readInvoice: (id) =>
      asking(() =>
        orNull(async () => {
          const invoice = await stripe.invoices.retrieve(id);
          const parent = invoice.parent?.subscription_details?.subscription ?? null;
          return {
            customerId: typeof invoice.customer === 'string' ? invoice.customer : null,
            subscriptionId: typeof parent === 'string' ? parent : (parent?.id ?? null),
          };
        }),
      ),
  };

  async function priceOf(lookupKey: string | null): Promise<string> {
    const { data } = await stripe.prices.list({
      lookup_keys: [lookupKey ?? ''],
      active: true,
      limit: 1,
    });
    const [price] = data;
    if (!price) {
      throw new StripeAway(
        `Stripe has no price with the lookup key ${lookupKey}: npm run stripe:sync`,
      );
    }
    return price.id;
  }
}

/** Runs a call; what says that Stripe is away becomes StripeAway, a refusal stays what it is. */
async function asking<Value>(call: () => Promise<Value>): Promise<Value> {
  try {
    return await call();
  } catch (error) {
    const status = (error as { statusCode?: number }).statusCode;
    const type = (error as { type?: string }).type;
    const away =
      type === 'StripeConnectionError' || status === 429 || status === 409 || (status ?? 0) >= 500;
    if (away) throw new StripeAway('Stripe does not answer at the moment', { cause: error });
    throw error;
  }
}

async function orNull<Value>(call: () => Promise<Value>): Promise<Value | null> {
  try {
    return await call();
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return null;
    throw error;
  }
}

const isRefusal = (error: unknown): boolean =>
  [400, 404].includes((error as { statusCode?: number }).statusCode ?? 0);

function hostOf(apiUrl: string) {
  if (apiUrl === '') return {};
  const { protocol, hostname, port } = new URL(apiUrl);
  return {
    protocol: protocol === 'https:' ? ('https' as const) : ('http' as const),
    host: hostname,
    port: Number(port) || (protocol === 'https:' ? 443 : 80),
  };
}

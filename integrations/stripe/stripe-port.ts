import type Stripe from 'stripe';
import { asking, orNull, StripeAway, unlessDone } from './asking';
import { readDispute, readRefund, refundsOf, type ReversalView } from './reversal-view';
import { createStripeClient, isLiveKey } from './stripe-client';
import {
  customerView,
  eventView,
  sessionView,
  subscriptionView,
  type CheckoutWish,
  type CustomerView,
  type SessionView,
  type StripeEventView,
  type SubscriptionView,
} from './stripe-views';

/** What we ask of Stripe. Each call is safe to repeat. Throws StripeAway and StripeRefused. */
export interface StripePort {
  /** Whether the key is of Stripe's live mode: what is of the other one is none of ours. */
  readonly livemode: boolean;
  /** The organization's customer: one, however often it is asked for; another than the one `before`, which is gone. */
  ensureCustomer(orgId: string, name: string | null, before: string | null): Promise<string>;
  /** A customer with whether a card can be charged; null for one that is gone. */
  readCustomer(id: string): Promise<CustomerView | null>;
  /** The Session of our checkout: one, however often it is asked for. Throws StripeAway also where the price isn't there yet. */
  createSession(wish: CheckoutWish): Promise<SessionView>;
  readSession(id: string): Promise<SessionView | null>;
  /** Ends an open Session; one that has ended stays as it is. */
  expireSession(id: string): Promise<void>;
  readSubscription(id: string): Promise<SubscriptionView | null>;
  /** Ends a subscription at once; what is left of its period is credited. One that has ended stays as it is. */
  cancelSubscription(id: string): Promise<void>;
  /** The portal's link, where a customer changes plan, card and invoices. */
  openPortal(customerId: string, returnUrl: string): Promise<{ id: string; url: string }>;
  /** Events of a span of time, newest first; without `before`, up to now. Null where there are more than `most`. */
  eventsBetween(wanted: {
    readonly since: Date;
    readonly before: Date | null;
    /** At most 20 whole names. */
    readonly types: readonly string[];
    readonly most: number;
  }): Promise<StripeEventView[] | null>;
  /** The event in a webhook's body; null where the signature is missing, wrong or over 5 minutes old, or no secret is set. */
  verifyEvent(body: string, signature: string | undefined): StripeEventView | null;
  /** The subscription that an invoice is of; null where it is of none. */
  subscriptionOfInvoice(id: string): Promise<string | null>;
  readDispute(id: string): Promise<ReversalView | null>;
  readRefund(id: string): Promise<ReversalView | null>;
  refundsOf(chargeId: string): Promise<ReversalView[]>;
}

const TOLERANCE_SECONDS = 300;

export function createStripePort(options: {
  readonly secretKey: string;
  /** Another server than Stripe's own (the dev stack's), or ''. */
  readonly apiUrl: string;
  readonly webhookSecret: string;
}): StripePort {
  const { webhookSecret } = options;
  const stripe = createStripeClient(options.secretKey, options.apiUrl);

  return {
    livemode: isLiveKey(options.secretKey),

    ensureCustomer: (orgId, name, before) =>
      asking(async () => {
        const params = { metadata: { org_id: orgId }, ...(name === null ? {} : { name }) };
        const idempotencyKey =
          before === null ? `customer:${orgId}` : `customer:${orgId}:${before}`;
        return (await stripe.customers.create(params, { idempotencyKey })).id;
      }),

    readCustomer: (customer) =>
      asking(() =>
        orNull(async () => {
          const found = await stripe.customers.retrieve(customer);
          if (found.deleted) return null;
          const cards = await stripe.paymentMethods.list({ customer, type: 'card', limit: 1 });
          return customerView(found, cards.data.length > 0);
        }),
      ),

    createSession: (wish) =>
      asking(async () => {
        const params = await sessionParams(stripe, wish);
        const idempotencyKey = `checkout:${wish.checkoutId}`;
        return sessionView(await stripe.checkout.sessions.create(params, { idempotencyKey }));
      }),

    readSession: (id) =>
      asking(() => orNull(async () => sessionView(await stripe.checkout.sessions.retrieve(id)))),

    expireSession: (id) => asking(() => unlessDone(() => stripe.checkout.sessions.expire(id))),

    readSubscription: (id) =>
      asking(() => orNull(async () => subscriptionView(await stripe.subscriptions.retrieve(id)))),

    cancelSubscription: (id) =>
      asking(() =>
        unlessDone(() => stripe.subscriptions.cancel(id, { prorate: true, invoice_now: true })),
      ),

    openPortal: (customer, returnUrl) =>
      asking(async () => {
        const params = { customer, return_url: returnUrl };
        const { id, url } = await stripe.billingPortal.sessions.create(params);
        return { id, url };
      }),

    eventsBetween: ({ since, before, types, most }) =>
      asking(async () => {
        const created = { gte: seconds(since), ...(before ? { lt: seconds(before) } : {}) };
        const events: StripeEventView[] = [];
        for await (const event of stripe.events.list({ created, types: [...types], limit: 100 })) {
          if (events.length >= most) return null;
          events.push(eventView(event));
        }
        return events;
      }),

    verifyEvent(body, signature) {
      if (signature === undefined || webhookSecret === '') return null;
      try {
        return eventView(
          stripe.webhooks.constructEvent(body, signature, webhookSecret, TOLERANCE_SECONDS),
        );
      } catch {
        return null;
      }
    },

    subscriptionOfInvoice: (id) =>
      asking(() =>
        orNull(async () => {
          const { parent } = await stripe.invoices.retrieve(id);
          const subscription = parent?.subscription_details?.subscription ?? null;
          return typeof subscription === 'string' ? subscription : (subscription?.id ?? null);
        }),
      ),

    readDispute: (id) => asking(() => readDispute(stripe, id)),
    readRefund: (id) => asking(() => readRefund(stripe, id)),
    refundsOf: (chargeId) => asking(() => refundsOf(stripe, chargeId)),
  };
}

async function sessionParams(
  stripe: Stripe,
  wish: CheckoutWish,
): Promise<Stripe.Checkout.SessionCreateParams> {
  const metadata = { org_id: wish.orgId, checkout_id: wish.checkoutId };
  const shared = {
    customer: wish.customerId,
    client_reference_id: wish.checkoutId,
    success_url: wish.successUrl,
    cancel_url: wish.cancelUrl,
    metadata,
  };
  if (wish.mode === 'setup') return { ...shared, mode: 'setup', currency: 'usd' };
  return {
    ...shared,
    mode: 'subscription',
    line_items: [{ price: await priceOf(stripe, wish.lookupKey), quantity: wish.quantity }],
    subscription_data: { metadata },
  };
}

async function priceOf(stripe: Stripe, lookupKey: string | null): Promise<string> {
  const wanted = { lookup_keys: [lookupKey ?? ''], active: true, limit: 1 };
  const [price] = (await stripe.prices.list(wanted)).data;
  if (price) return price.id;
  throw new StripeAway(
    `Stripe has no price with the lookup key ${lookupKey}: npm run stripe:sync -- --write`,
  );
}

const seconds = (at: Date): number => Math.floor(at.getTime() / 1_000);

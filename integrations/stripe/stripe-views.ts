import type Stripe from 'stripe';

/** A Checkout Session, as far as we look at it. */
export interface SessionView {
  readonly id: string;
  readonly status: 'open' | 'complete' | 'expired';
  /** Paid, or nothing was to be paid; a complete one that isn't waits for a slow payment. */
  readonly isPaid: boolean;
  readonly mode: 'subscription' | 'setup';
  readonly url: string | null;
  readonly expiresAt: Date;
  readonly customerId: string | null;
  readonly subscriptionId: string | null;
  /** Our checkout's id, as we gave it. */
  readonly checkoutId: string | null;
  readonly livemode: boolean;
}

/** A customer, as far as we look at it. */
export interface CustomerView {
  readonly id: string;
  readonly email: string | null;
  readonly name: string | null;
  /** Whether there is a card that can be charged. */
  readonly hasCard: boolean;
  readonly livemode: boolean;
}

/** A subscription, as far as we look at it. */
export interface SubscriptionView {
  readonly id: string;
  readonly customerId: string;
  readonly status: string;
  readonly priceId: string | null;
  readonly lookupKey: string | null;
  /** The plan that `npm run stripe:sync` wrote on the price: it stays when a newer price takes over the lookup key. */
  readonly pricePlanKey: string | null;
  readonly productId: string | null;
  readonly quantity: number;
  readonly currentPeriodStart: Date | null;
  readonly currentPeriodEnd: Date | null;
  readonly cancelAtPeriodEnd: boolean;
  readonly createdAt: Date;
  /** Our organization, as we wrote it into the metadata. */
  readonly orgId: string | null;
  readonly livemode: boolean;
}

/** An event: what happened to which object (of a card: to whose). Only the ids are believed; the object is fetched again. */
export interface StripeEventView {
  readonly id: string;
  readonly type: string;
  readonly objectType: string;
  readonly objectId: string;
  readonly createdAt: Date;
  readonly livemode: boolean;
}

/** What a checkout is to sell. */
export interface CheckoutWish {
  readonly checkoutId: string;
  readonly orgId: string;
  readonly customerId: string;
  readonly mode: 'subscription' | 'setup';
  /** The catalogue's key of the price; null for a card alone. */
  readonly lookupKey: string | null;
  readonly quantity: number;
  readonly successUrl: string;
  readonly cancelUrl: string;
}

export function sessionView(session: Stripe.Checkout.Session): SessionView {
  return {
    id: session.id,
    status: statusOf(session.status),
    isPaid: session.payment_status === 'paid' || session.payment_status === 'no_payment_required',
    mode: session.mode === 'setup' ? 'setup' : 'subscription',
    url: session.url,
    expiresAt: seconds(session.expires_at),
    customerId: idOf(session.customer),
    subscriptionId: idOf(session.subscription),
    checkoutId: session.client_reference_id,
    livemode: session.livemode,
  };
}

function statusOf(status: string | null): SessionView['status'] {
  if (status === 'complete') return 'complete';
  return status === 'expired' ? 'expired' : 'open';
}

export function subscriptionView(subscription: Stripe.Subscription): SubscriptionView {
  const [item] = subscription.items.data;
  return {
    id: subscription.id,
    customerId: idOf(subscription.customer) ?? '',
    status: subscription.status,
    priceId: item?.price.id ?? null,
    lookupKey: item?.price.lookup_key ?? null,
    pricePlanKey: item?.price.metadata['plan_key'] ?? null,
    productId: idOf(item?.price.product ?? null),
    quantity: item?.quantity ?? 1,
    currentPeriodStart: item ? seconds(item.current_period_start) : null,
    currentPeriodEnd: item ? seconds(item.current_period_end) : null,
    cancelAtPeriodEnd: subscription.cancel_at_period_end,
    createdAt: seconds(subscription.created),
    orgId: subscription.metadata['org_id'] ?? null,
    livemode: subscription.livemode,
  };
}

export function customerView(customer: Stripe.Customer, hasCard: boolean): CustomerView {
  const { id, email, name, livemode } = customer;
  return { id, email, name: name ?? null, hasCard, livemode };
}

export function eventView(event: Stripe.Event): StripeEventView {
  const object = event.data.object as { id?: string; object?: string; customer?: string | null };
  const before = event.data.previous_attributes as { customer?: string } | undefined;
  // A card is told of by its customer: the whole of which is fetched again.
  const ofCard = event.type.startsWith('payment_method.');
  return {
    id: event.id,
    type: event.type,
    objectType: ofCard ? 'customer' : (object.object ?? 'unknown'),
    objectId: (ofCard ? (object.customer ?? before?.customer) : object.id) ?? '',
    createdAt: seconds(event.created),
    livemode: event.livemode,
  };
}

function idOf(reference: string | { readonly id: string } | null): string | null {
  return typeof reference === 'string' ? reference : (reference?.id ?? null);
}

/** Stripe's times are seconds since 1970. */
const seconds = (at: number): Date => new Date(at * 1_000);

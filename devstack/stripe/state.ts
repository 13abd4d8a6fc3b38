import { randomBytes } from 'node:crypto';
import type Stripe from 'stripe';

/** What the fake keeps of Stripe's objects: the fields that ours looks at, in Stripe's own types. */
export type Customer = Pick<Stripe.Customer, 'id' | 'object' | 'metadata' | 'created' | 'livemode'>;
export type Price = Pick<
  Stripe.Price,
  'id' | 'object' | 'lookup_key' | 'product' | 'unit_amount' | 'currency' | 'active' | 'created'
> & { recurring: { interval: 'month' | 'year' } | null };
export type Session = Pick<
  Stripe.Checkout.Session,
  | 'id'
  | 'object'
  | 'url'
  | 'status'
  | 'payment_status'
  | 'mode'
  | 'expires_at'
  | 'client_reference_id'
  | 'metadata'
  | 'success_url'
  | 'cancel_url'
  | 'created'
  | 'livemode'
> & { customer: string; subscription: string | null };
export interface Subscription {
  id: string;
  object: 'subscription';
  customer: string;
  status: Stripe.Subscription['status'];
  items: {
    object: 'list';
    data: {
      id: string;
      object: 'subscription_item';
      price: Price;
      quantity: number;
      current_period_start: number;
      current_period_end: number;
    }[];
  };
  cancel_at_period_end: boolean;
  metadata: Record<string, string>;
  created: number;
  livemode: boolean;
}
export interface PaymentMethod {
  id: string;
  object: 'payment_method';
  type: 'card';
  customer: string | null;
}
export interface FakeEvent {
  id: string;
  object: 'event';
  type: string;
  api_version: string;
  created: number;
  livemode: boolean;
  pending_webhooks: number;
  request: { id: null; idempotency_key: null };
  data: { object: Record<string, unknown>; previous_attributes?: Record<string, unknown> };
}

const MONTH_SECONDS = 30 * 86_400;

/** Everything that happened at the fake, and what follows when time passes or somebody pays. */
export class FakeState {
  readonly customers = new Map<string, Customer>();
  readonly prices = new Map<string, Price>();
  readonly sessions = new Map<
    string,
    Session & {
      lineItems: { price: string; quantity: number }[];
      subscriptionMetadata: Record<string, string>;
    }
  >();
  readonly subscriptions = new Map<string, Subscription>();
  readonly paymentMethods = new Map<string, PaymentMethod>();
  readonly invoices = new Map<string, Record<string, unknown>>();
  readonly events: FakeEvent[] = [];
  /** Replies by idempotency key, as Stripe keeps them. */
  readonly replies = new Map<string, { params: string; status: number; body: string }>();
  #aheadSeconds = 0;
  #sequence = 0;

  constructor(
    private readonly baseUrl: () => string,
    private readonly onEvent: (event: FakeEvent) => void,
  ) {}

  /** Everything that is kept, as JSON. */
  snapshot(): string {
    const { customers, prices, sessions, subscriptions, paymentMethods, invoices, replies } = this;
    const maps = { customers, prices, sessions, subscriptions, paymentMethods, invoices, replies };
    const entries = Object.entries(maps).map(([name, map]) => [name, [...map.entries()]]);
    const rest = { events: this.events, ahead: this.#aheadSeconds, sequence: this.#sequence };
    return JSON.stringify({ ...Object.fromEntries(entries), ...rest });
  }

  /** Takes up what a snapshot kept. */
  restore(snapshot: string): void {
    const kept = JSON.parse(snapshot) as Record<string, [string, never][]> & {
      events: FakeEvent[];
      ahead: number;
      sequence: number;
    };
    const { customers, prices, sessions, subscriptions, paymentMethods, invoices, replies } = this;
    const maps = { customers, prices, sessions, subscriptions, paymentMethods, invoices, replies };
    for (const [name, map] of Object.entries(maps)) {
      map.clear();
      for (const [key, value] of kept[name] ?? []) map.set(key, value);
    }
    this.events.push(...kept.events);
    this.#aheadSeconds = kept.ahead;
    this.#sequence = kept.sequence;
  }

  /** Where the fake is reached. */
  url(): string {
    return this.baseUrl();
  }

  /** Seconds since 1970, with what a test clock was set ahead. */
  now(): number {
    return Math.floor(Date.now() / 1_000) + this.#aheadSeconds;
  }

  id(prefix: string): string {
    return `${prefix}_${(this.#sequence++).toString(36).padStart(6, '0')}${randomBytes(8).toString('hex')}`;
  }

  emit(type: string, object: object, previous?: Record<string, unknown>): void {
    const event: FakeEvent = {
      id: this.id('evt'),
      object: 'event',
      type,
      api_version: '2026-10-28.endive',
      created: this.now(),
      livemode: false,
      pending_webhooks: 1,
      request: { id: null, idempotency_key: null },
      data: {
        object: structuredClone(object) as Record<string, unknown>,
        ...(previous ? { previous_attributes: previous } : {}),
      },
    };
    this.events.push(event);
    this.onEvent(event);
  }

  newCustomer(metadata: Record<string, string>): Customer {
    const customer: Customer = {
      id: this.id('cus'),
      object: 'customer',
      metadata,
      created: this.now(),
      livemode: false,
    };
    this.customers.set(customer.id, customer);
    this.emit('customer.created', customer);
    return customer;
  }

  newSession(wish: {
    mode: 'subscription' | 'setup';
    customer: string;
    reference: string | null;
    successUrl: string;
    cancelUrl: string | null;
    metadata: Record<string, string>;
    lineItems: { price: string; quantity: number }[];
    subscriptionMetadata: Record<string, string>;
  }) {
    const id = this.id('cs_test');
    const session = {
      id,
      object: 'checkout.session' as const,
      url: `${this.baseUrl()}/pay/${id}`,
      status: 'open' as const,
      payment_status:
        wish.mode === 'setup' ? ('no_payment_required' as const) : ('unpaid' as const),
      mode: wish.mode,
      expires_at: this.now() + 86_400,
      customer: wish.customer,
      subscription: null,
      client_reference_id: wish.reference,
      metadata: wish.metadata,
      success_url: wish.successUrl,
      cancel_url: wish.cancelUrl,
      created: this.now(),
      livemode: false,
      lineItems: wish.lineItems,
      subscriptionMetadata: wish.subscriptionMetadata,
    };
    this.sessions.set(id, session);
    return session;
  }

  /** The customer pays (at once, or slowly) or puts a card down. */
  pay(sessionId: string, how: 'paid' | 'slow' = 'paid'): void {
    const session = this.sessions.get(sessionId);
    if (session?.status !== 'open') return;
    const { customer } = session;
    session.status = 'complete';
    session.url = null;
    this.addCard(customer);
    if (session.mode === 'subscription') {
      const subscription = this.#newSubscription(session, how === 'paid' ? 'active' : 'incomplete');
      session.subscription = subscription.id;
      session.payment_status = how === 'paid' ? 'paid' : 'unpaid';
      this.emit('customer.subscription.created', subscription);
      if (how === 'paid') this.#invoice(subscription, 'invoice.paid');
    }
    this.emit('checkout.session.completed', session);
  }

  /** A slow payment comes in, or does not. */
  settleSlow(sessionId: string, ok: boolean): void {
    const session = this.sessions.get(sessionId);
    const subscription = this.subscriptions.get(session?.subscription ?? '');
    if (!session || !subscription) return;
    if (ok) session.payment_status = 'paid';
    this.setStatus(subscription.id, ok ? 'active' : 'incomplete_expired');
    this.emit(`checkout.session.async_payment_${ok ? 'succeeded' : 'failed'}`, session);
  }

  expire(sessionId: string): boolean {
    const session = this.sessions.get(sessionId);
    if (session?.status !== 'open') return false;
    session.status = 'expired';
    session.url = null;
    this.emit('checkout.session.expired', session);
    return true;
  }

  setStatus(id: string, status: Subscription['status']): void {
    const subscription = this.subscriptions.get(id);
    if (!subscription || subscription.status === status) return;
    const previous = { status: subscription.status };
    subscription.status = status;
    const type = status === 'canceled' ? 'deleted' : 'updated';
    this.emit(`customer.subscription.${type}`, subscription, previous);
    if (status === 'past_due') this.#invoice(subscription, 'invoice.payment_failed');
  }

  /** Another price or quantity, as the portal does it. */
  change(id: string, lookupKey: string, quantity: number): void {
    const subscription = this.subscriptions.get(id);
    const price = [...this.prices.values()].find((known) => known.lookup_key === lookupKey);
    const [item] = subscription?.items.data ?? [];
    if (!subscription || !price || !item) return;
    item.price = price;
    item.quantity = quantity;
    this.emit('customer.subscription.updated', subscription);
  }

  addCard(customer: string): void {
    const card: PaymentMethod = {
      id: this.id('pm'),
      object: 'payment_method',
      type: 'card',
      customer,
    };
    this.paymentMethods.set(card.id, card);
    this.emit('payment_method.attached', card);
  }

  removeCards(customer: string): void {
    for (const card of this.paymentMethods.values()) {
      if (card.customer !== customer) continue;
      card.customer = null;
      this.emit('payment_method.detached', card, { customer });
    }
  }

  /** Lets time pass: sessions expire, periods renew. */
  advance(seconds: number): void {
    this.#aheadSeconds += seconds;
    for (const session of this.sessions.values()) {
      if (session.status === 'open' && session.expires_at <= this.now()) this.expire(session.id);
    }
    for (const subscription of this.subscriptions.values()) {
      const [item] = subscription.items.data;
      if (!item || subscription.status !== 'active') continue;
      while (item.current_period_end <= this.now()) {
        if (subscription.cancel_at_period_end) {
          this.setStatus(subscription.id, 'canceled');
          break;
        }
        item.current_period_start = item.current_period_end;
        item.current_period_end += periodSeconds(item.price);
        this.#invoice(subscription, 'invoice.paid');
      }
    }
  }

  #newSubscription(
    session: {
      customer: string;
      lineItems: { price: string; quantity: number }[];
      subscriptionMetadata: Record<string, string>;
    },
    status: Subscription['status'],
  ): Subscription {
    const now = this.now();
    const subscription: Subscription = {
      id: this.id('sub'),
      object: 'subscription',
      customer: session.customer,
      status,
      items: {
        object: 'list',
        data: session.lineItems.map(({ price: priceId, quantity }) => {
          const price = this.prices.get(priceId);
          if (!price) throw new Error(`no such price: ${priceId}`);
          return {
            id: this.id('si'),
            object: 'subscription_item' as const,
            price,
            quantity,
            current_period_start: now,
            current_period_end: now + periodSeconds(price),
          };
        }),
      },
      cancel_at_period_end: false,
      metadata: session.subscriptionMetadata,
      created: now,
      livemode: false,
    };
    this.subscriptions.set(subscription.id, subscription);
    return subscription;
  }

  #invoice(subscription: Subscription, type: string): void {
    const invoice = {
      id: this.id('in'),
      object: 'invoice',
      customer: subscription.customer,
      status: type === 'invoice.paid' ? 'paid' : 'open',
      parent: {
        type: 'subscription_details',
        subscription_details: { subscription: subscription.id, metadata: subscription.metadata },
      },
      created: this.now(),
    };
    this.invoices.set(invoice.id, invoice);
    this.emit(type, invoice);
  }
}

function periodSeconds(price: Price): number {
  return price.recurring?.interval === 'year' ? 365 * 86_400 : MONTH_SECONDS;
}

import { randomBytes } from 'node:crypto';
import type Stripe from 'stripe';

/** What a session sells; Stripe itself shows it only where it is asked for. */
export interface Basket {
  readonly price: string;
  readonly quantity: number;
  readonly subscriptionMetadata: Record<string, string>;
}

/** A change that waits for the end of a subscription's period. */
export interface PlannedChange {
  readonly price: string;
  readonly quantity: number;
}

/** An event in Stripe's envelope; its type is one of Stripe's own. */
export type FakeEvent = Pick<
  Stripe.Event,
  'id' | 'object' | 'type' | 'api_version' | 'created' | 'livemode' | 'pending_webhooks' | 'request'
> & { data: { object: Record<string, unknown>; previous_attributes?: Record<string, unknown> } };

/** Everything that the fake knows, in Stripe's own types. What may happen to it are the acts beside. */
export class FakeState {
  readonly customers = new Map<string, Stripe.Customer>();
  readonly products = new Map<string, Stripe.Product>();
  readonly prices = new Map<string, Stripe.Price>();
  readonly sessions = new Map<string, Stripe.Checkout.Session>();
  /** By session. */
  readonly baskets = new Map<string, Basket>();
  readonly subscriptions = new Map<string, Stripe.Subscription>();
  /** By subscription. */
  readonly planned = new Map<string, PlannedChange>();
  readonly paymentMethods = new Map<string, Stripe.PaymentMethod>();
  readonly invoices = new Map<string, Stripe.Invoice>();
  readonly charges = new Map<string, Stripe.Charge>();
  readonly refunds = new Map<string, Stripe.Refund>();
  readonly disputes = new Map<string, Stripe.Dispute>();
  readonly events: FakeEvent[] = [];
  /** Replies by idempotency key, as Stripe keeps them. */
  readonly replies = new Map<string, { params: string; status: number; body: string }>();
  /** By how far the test clock is ahead. */
  aheadSeconds = 0;
  #sequence = 0;

  constructor(
    private readonly baseUrl: () => string,
    private readonly onEvent: (event: FakeEvent) => void,
  ) {}

  #maps(): Record<string, Map<string, unknown>> {
    const entries = Object.entries(this).filter(([, value]) => value instanceof Map);
    return Object.fromEntries(entries);
  }

  /** Everything that is kept, as JSON. */
  snapshot(): string {
    const entries = Object.entries(this.#maps()).map(([name, map]) => [name, [...map.entries()]]);
    const rest = { events: this.events, ahead: this.aheadSeconds, sequence: this.#sequence };
    return JSON.stringify({ ...Object.fromEntries(entries), ...rest });
  }

  /** Takes up what a snapshot kept. */
  restore(snapshot: string): void {
    const kept = JSON.parse(snapshot) as Record<string, [string, unknown][]> & {
      events: FakeEvent[];
      ahead: number;
      sequence: number;
    };
    for (const [name, map] of Object.entries(this.#maps())) {
      if (!kept[name]) continue;
      map.clear();
      for (const [key, value] of kept[name]) map.set(key, value);
    }
    for (const { items } of this.subscriptions.values()) {
      for (const item of items.data) item.price = this.prices.get(item.price.id) ?? item.price;
    }
    this.events.push(...kept.events);
    this.aheadSeconds = kept.ahead;
    this.#sequence = kept.sequence;
  }

  /** Where the fake is reached. */
  url(): string {
    return this.baseUrl();
  }

  /** Seconds since 1970, with what the test clock was set ahead. */
  now(): number {
    return Math.floor(Date.now() / 1_000) + this.aheadSeconds;
  }

  id(prefix: string): string {
    return `${prefix}_${(this.#sequence++).toString(36).padStart(6, '0')}${randomBytes(8).toString('hex')}`;
  }

  /** Tells that something happened to an object, as it is at this moment. */
  emit(type: FakeEvent['type'], object: object, previous?: Record<string, unknown>): void {
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
        object: JSON.parse(JSON.stringify(object)) as Record<string, unknown>,
        ...(previous ? { previous_attributes: previous } : {}),
      },
    };
    this.events.push(event);
    this.onEvent(event);
  }

  /** The active price that has a lookup key. Throws where there is none. */
  priceOf(lookupKey: string): Stripe.Price {
    const found = [...this.prices.values()].find((known) => known.lookup_key === lookupKey);
    if (!found) throw new Error(`no price has the lookup key ${lookupKey}`);
    return found;
  }
}

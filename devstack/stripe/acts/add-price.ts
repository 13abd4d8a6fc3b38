import { price, product, type Interval } from '../shapes/price';
import type { FakeState } from '../state';
import type Stripe from 'stripe';

/** A price that takes over its lookup key: an older one that had it is left without. */
export function addPrice(
  state: FakeState,
  of: {
    readonly lookupKey: string | null;
    readonly cents: number;
    readonly interval: Interval;
    readonly product?: string;
    readonly metadata?: Record<string, string>;
  },
): Stripe.Price {
  const { lookupKey, cents, interval, metadata = {} } = of;
  for (const known of state.prices.values()) {
    if (lookupKey !== null && known.lookup_key === lookupKey) known.lookup_key = null;
  }
  const productId = of.product ?? addProduct(state, state.id('prod'), lookupKey ?? 'A plan').id;
  const id = state.id('price');
  const created = state.now();
  const made = price({ id, lookupKey, product: productId, cents, interval, metadata, created });
  state.prices.set(id, made);
  return made;
}

export function addProduct(state: FakeState, id: string, name: string): Stripe.Product {
  const made = product(id, name, state.now());
  state.products.set(id, made);
  return made;
}

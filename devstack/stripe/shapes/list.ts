import type Stripe from 'stripe';

/** A page of a list, as Stripe answers it. */
export function listOf<Item>(
  url: string,
  data: readonly Item[],
  hasMore = false,
): Stripe.ApiList<Item> {
  return { object: 'list', data: [...data], has_more: hasMore, url };
}

import type { Log } from '../platform/log';
import type { Checkout } from './checkout';

/** Whose asking ended a checkout: its workflow (by its start, its timer or a signal), an event of Stripe, or the next one. */
export type CheckoutWaker = 'start' | 'timer' | 'signal' | 'webhook' | 'sweep' | 'next_checkout';

/** Leaves the one line of a checkout's end. To be called after its commit, by whoever ended it. */
export function logCheckoutEnded(
  log: Log,
  checkout: Checkout,
  end: { readonly status: 'completed' | 'expired' | 'failed'; readonly at: Date },
  wokenBy: CheckoutWaker,
): void {
  const { id: checkoutId, orgId, sessionId, requestId, planKey, mode, createdAt } = checkout;
  const ids = { orgId, checkoutId, sessionId, requestId };
  const openMs = end.at.getTime() - createdAt.getTime();
  log.info({ ...ids, planKey, mode, status: end.status, openMs, wokenBy }, 'checkout ended');
}

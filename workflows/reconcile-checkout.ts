import {
  condition,
  defineSignal,
  proxyActivities,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import type { CheckoutView, StripeActivities } from '../activities/stripe';
import { STRIPE_SAID_SIGNAL, WAKE_SIGNAL, type ReconcileCheckout } from './contracts';

const { pollCheckout, sweepStripe: sweep } = proxyActivities<StripeActivities>({
  startToCloseTimeout: '60 s',
  retry: { initialInterval: '1 s', maximumInterval: '2 min' },
});

const stripeSaid = defineSignal<[string?]>(STRIPE_SAID_SIGNAL);
const wake = defineSignal(WAKE_SIGNAL);

const SHORTEST_MS = 10_000;
const LONGEST_MS = 3_600_000;

/**
 * Asks Stripe at growing gaps how a checkout stands until it has ended, so that it heals though every webhook is lost.
 * A webhook, the return of the customer, or a wake-up makes it ask at once.
 */
export async function reconcileCheckout({ checkoutId }: ReconcileCheckout): Promise<string> {
  let told = false;
  setHandler(stripeSaid, () => void (told = true));
  setHandler(wake, () => void (told = true));
  for (let wokenBy: 'start' | 'timer' | 'signal' = 'start'; ;) {
    told = false;
    const checkout = await pollCheckout(checkoutId, wokenBy);
    if (!checkout) return 'gone';
    setCurrentDetails(describeCheckout(checkout));
    if (checkout.status !== 'open') return checkout.status;
    const age = Date.now() - checkout.createdAt;
    const gapMs = Math.min(Math.max(age / 2, SHORTEST_MS), LONGEST_MS);
    wokenBy = (await condition(() => told, gapMs)) ? 'signal' : 'timer';
  }
}

/** Reads Stripe's list of events for what no webhook told. */
export async function sweepStripe(): Promise<string> {
  const { found, overdue } = await sweep();
  return `${found} event(s) found, ${overdue} time(s) of grace ended`;
}

function describeCheckout({ status, planKey, hasSession }: CheckoutView): string {
  if (status !== 'open') return `${planKey}: ${status}`;
  return hasSession
    ? `${planKey}: waiting for the customer at Stripe`
    : `${planKey}: Stripe has not made a session yet`;
}

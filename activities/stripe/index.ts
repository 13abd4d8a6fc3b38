import { applyStripeEvent } from './apply-stripe-event';
import { endGrace, readGrace, type GraceView } from './end-grace';
import { pollCheckout, type CheckoutView } from './fulfil-checkout';
import type { Reconciling } from './reconciling';
import { sweepStripe } from './sweep-stripe';

export type { CheckoutView } from './fulfil-checkout';
export type { GraceView } from './end-grace';

/** What reconciliation with Stripe asks of the world. Each is safe to repeat. */
export interface StripeActivities {
  /** Asks Stripe how a checkout stands and does what follows, once; the log tells what made it ask. */
  pollCheckout(
    checkoutId: string,
    wokenBy?: 'start' | 'timer' | 'signal',
  ): Promise<CheckoutView | null>;
  /** Acts on an event: fetches the object it is about again and applies that. */
  applyStripeEvent(eventId: string): Promise<string>;
  /** Reads Stripe's own list since the last time, so that a lost webhook is found; ends forgotten times of grace. */
  sweepStripe(): Promise<{ readonly found: number; readonly overdue: number }>;
  /** How an organization's time of grace stands. */
  readGrace(orgId: string): Promise<GraceView>;
  /** Asks Stripe anew whether an organization has paid, and ends its time of grace where it hasn't. */
  endGrace(orgId: string): Promise<GraceView>;
}

export function createStripeActivities(deps: Reconciling): StripeActivities {
  return {
    pollCheckout: (checkoutId, wokenBy = 'timer') => pollCheckout(deps, checkoutId, wokenBy),
    applyStripeEvent: (eventId) => applyStripeEvent(deps, eventId),
    sweepStripe: () => sweepStripe(deps),
    readGrace: (orgId) => readGrace(deps, orgId),
    endGrace: (orgId) => endGrace(deps, orgId),
  };
}

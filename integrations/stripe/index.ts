export { StripeAway, StripeRefused } from './asking';
export { createIgnoredEvents, type IgnoredReason } from './ignored-events';
export type { ReversalView } from './reversal-view';
export { createStripeClient } from './stripe-client';
export { createStripePort, type StripePort } from './stripe-port';
export type {
  CheckoutWish,
  CustomerView,
  SessionView,
  StripeEventView,
  SubscriptionView,
} from './stripe-views';

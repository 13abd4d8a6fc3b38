export { createStripePort, StripeAway, type StripePort } from './stripe-port';
export type { CheckoutWish, SessionView, StripeEventView, SubscriptionView } from './stripe-views';

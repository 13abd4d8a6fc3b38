import type Stripe from 'stripe';
import { listOf } from './list';
import { planOf } from './price';

const DAY_SECONDS = 86_400;

/** How long a price's period is: 30 days, or 365. */
export const periodSeconds = (price: Stripe.Price): number =>
  (price.recurring?.interval === 'year' ? 365 : 30) * DAY_SECONDS;

export function subscription(of: {
  readonly id: string;
  readonly itemId: string;
  readonly customer: string;
  readonly status: Stripe.Subscription['status'];
  readonly price: Stripe.Price;
  readonly quantity: number;
  readonly metadata: Record<string, string>;
  readonly created: number;
}): Stripe.Subscription {
  const item: Stripe.SubscriptionItem = {
    id: of.itemId,
    object: 'subscription_item',
    billing_thresholds: null,
    created: of.created,
    current_period_end: of.created + periodSeconds(of.price),
    current_period_start: of.created,
    current_trial: null,
    discounts: [],
    metadata: {},
    plan: planOf(of.price),
    price: of.price,
    quantity: of.quantity,
    subscription: of.id,
    tax_rates: [],
  };
  return {
    id: of.id,
    object: 'subscription',
    application: null,
    application_fee_percent: null,
    automatic_tax: { disabled_reason: null, enabled: false, liability: null },
    billing_cycle_anchor: of.created,
    billing_cycle_anchor_config: null,
    billing_mode: { flexible: null, type: 'classic' },
    billing_schedules: [],
    billing_thresholds: null,
    cancel_at: null,
    cancel_at_period_end: false,
    canceled_at: null,
    cancellation_details: null,
    collection_method: 'charge_automatically',
    created: of.created,
    currency: 'usd',
    customer: of.customer,
    customer_account: null,
    days_until_due: null,
    default_payment_method: null,
    default_source: null,
    description: null,
    discounts: [],
    ended_at: null,
    invoice_settings: {
      account_tax_ids: null,
      custom_fields: null,
      description: null,
      footer: null,
      issuer: { type: 'self' },
    },
    items: listOf(`/v1/subscription_items?subscription=${of.id}`, [item]),
    latest_invoice: null,
    livemode: false,
    managed_payments: null,
    metadata: of.metadata,
    next_pending_invoice_item_invoice: null,
    on_behalf_of: null,
    pause_collection: null,
    payment_settings: null,
    pending_invoice_item_interval: null,
    pending_setup_intent: null,
    pending_update: null,
    schedule: null,
    start_date: of.created,
    status: of.status,
    test_clock: null,
    transfer_data: null,
    trial_end: null,
    trial_settings: null,
    trial_start: null,
  };
}

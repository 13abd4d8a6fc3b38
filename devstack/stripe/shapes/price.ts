import Stripe from 'stripe';

export type Interval = 'month' | 'year';

export function product(id: string, name: string, created: number): Stripe.Product {
  return {
    id,
    object: 'product',
    active: true,
    created,
    description: null,
    images: [],
    livemode: false,
    marketing_features: [],
    metadata: {},
    name,
    package_dimensions: null,
    shippable: null,
    tax_details: null,
    type: 'service',
    updated: created,
    url: null,
  };
}

export function price(of: {
  readonly id: string;
  readonly lookupKey: string | null;
  readonly product: string;
  readonly cents: number;
  readonly interval: Interval;
  readonly metadata: Record<string, string>;
  readonly created: number;
}): Stripe.Price {
  return {
    id: of.id,
    object: 'price',
    active: true,
    billing_scheme: 'per_unit',
    created: of.created,
    currency: 'usd',
    custom_unit_amount: null,
    livemode: false,
    lookup_key: of.lookupKey,
    metadata: of.metadata,
    nickname: null,
    product: of.product,
    recurring: {
      interval: of.interval,
      interval_count: 1,
      meter: null,
      trial_period_days: null,
      usage_type: 'licensed',
    },
    tax_behavior: 'unspecified',
    tiers_mode: null,
    transform_quantity: null,
    type: 'recurring',
    unit_amount: of.cents,
    unit_amount_decimal: Stripe.Decimal.from(String(of.cents)),
  };
}

/** The plan that a subscription's item carries beside its price. */
export function planOf(price: Stripe.Price): Stripe.Plan {
  return {
    id: price.id,
    object: 'plan',
    active: price.active,
    amount: price.unit_amount,
    amount_decimal: price.unit_amount_decimal,
    billing_scheme: price.billing_scheme,
    created: price.created,
    currency: price.currency,
    interval: price.recurring?.interval ?? 'month',
    interval_count: 1,
    livemode: price.livemode,
    metadata: price.metadata,
    meter: null,
    nickname: null,
    product: price.product,
    tiers_mode: null,
    transform_usage: null,
    trial_period_days: null,
    usage_type: 'licensed',
  };
}

import type Stripe from 'stripe';

export function customer(of: {
  readonly id: string;
  readonly name: string | null;
  readonly email: string | null;
  readonly metadata: Record<string, string>;
  readonly created: number;
}): Stripe.Customer {
  return {
    id: of.id,
    object: 'customer',
    balance: 0,
    created: of.created,
    default_source: null,
    description: null,
    email: of.email,
    invoice_settings: {
      custom_fields: null,
      default_payment_method: null,
      footer: null,
      rendering_options: null,
    },
    livemode: false,
    metadata: of.metadata,
    ...(of.name === null ? {} : { name: of.name }),
    shipping: null,
  };
}

/** The card that every test account knows: 4242. */
export function card(id: string, customer: string, created: number): Stripe.PaymentMethod {
  return {
    id,
    object: 'payment_method',
    billing_details: { address: null, email: null, name: null, phone: null, tax_id: null },
    card: {
      brand: 'visa',
      checks: null,
      country: 'US',
      display_brand: 'visa',
      exp_month: 12,
      exp_year: 2034,
      funding: 'credit',
      generated_from: null,
      last4: '4242',
      networks: null,
      regulated_status: null,
      three_d_secure_usage: null,
      wallet: null,
    },
    created,
    customer,
    customer_account: null,
    livemode: false,
    metadata: {},
    type: 'card',
  };
}

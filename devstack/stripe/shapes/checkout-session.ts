import type Stripe from 'stripe';

export function checkoutSession(of: {
  readonly id: string;
  readonly url: string;
  readonly mode: 'subscription' | 'setup';
  readonly customer: string;
  readonly reference: string | null;
  readonly successUrl: string;
  readonly cancelUrl: string | null;
  readonly metadata: Record<string, string>;
  /** In cents; null for a card alone. */
  readonly total: number | null;
  readonly created: number;
  readonly expiresAt: number;
}): Stripe.Checkout.Session {
  const isSetup = of.mode === 'setup';
  return {
    id: of.id,
    object: 'checkout.session',
    adaptive_pricing: null,
    after_expiration: null,
    allow_promotion_codes: null,
    allowed_payment_method_types: null,
    amount_subtotal: of.total,
    amount_total: of.total,
    automatic_tax: { enabled: false, liability: null, provider: null, status: null },
    billing_address_collection: null,
    cancel_url: of.cancelUrl,
    client_reference_id: of.reference,
    client_secret: null,
    collected_information: null,
    consent: null,
    consent_collection: null,
    created: of.created,
    currency: 'usd',
    currency_conversion: null,
    custom_fields: [],
    custom_text: {
      after_submit: null,
      shipping_address: null,
      submit: null,
      terms_of_service_acceptance: null,
    },
    customer: of.customer,
    customer_account: null,
    customer_creation: null,
    customer_details: null,
    customer_email: null,
    discounts: isSetup ? null : [],
    expires_at: of.expiresAt,
    integration_identifier: null,
    invoice: null,
    invoice_creation: null,
    livemode: false,
    locale: null,
    managed_payments: null,
    metadata: of.metadata,
    mode: of.mode,
    origin_context: null,
    payment_intent: null,
    payment_link: null,
    payment_method_collection: 'always',
    payment_method_configuration_details: null,
    payment_method_options: {},
    payment_method_types: ['card'],
    payment_status: isSetup ? 'no_payment_required' : 'unpaid',
    permissions: null,
    recovered_from: null,
    saved_payment_method_options: null,
    setup_intent: null,
    shipping_address_collection: null,
    shipping_cost: null,
    shipping_options: [],
    status: 'open',
    submit_type: null,
    subscription: null,
    success_url: of.successUrl,
    total_details: null,
    ui_mode: 'hosted_page',
    url: of.url,
    wallet_options: null,
  };
}

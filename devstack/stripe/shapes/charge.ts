import type Stripe from 'stripe';

export function charge(of: {
  readonly id: string;
  readonly customer: string;
  readonly cents: number;
  readonly isPaid: boolean;
  readonly paymentMethod: string | null;
  readonly created: number;
}): Stripe.Charge {
  const { isPaid } = of;
  return {
    id: of.id,
    object: 'charge',
    amount: of.cents,
    amount_captured: isPaid ? of.cents : 0,
    amount_refunded: 0,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: null,
    billing_details: { address: null, email: null, name: null, phone: null, tax_id: null },
    calculated_statement_descriptor: null,
    captured: isPaid,
    created: of.created,
    currency: 'usd',
    customer: of.customer,
    description: null,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: isPaid ? null : 'card_declined',
    failure_message: isPaid ? null : 'Your card was declined.',
    fraud_details: null,
    livemode: false,
    metadata: {},
    on_behalf_of: null,
    outcome: null,
    paid: isPaid,
    payment_intent: null,
    payment_method: of.paymentMethod,
    payment_method_details: null,
    receipt_email: null,
    receipt_number: null,
    receipt_url: null,
    refunded: false,
    review: null,
    shipping: null,
    source: null,
    source_transfer: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: isPaid ? 'succeeded' : 'failed',
    transfer_data: null,
    transfer_group: null,
  };
}

export function refund(
  id: string,
  charge: Stripe.Charge,
  cents: number,
  created: number,
): Stripe.Refund {
  return {
    id,
    object: 'refund',
    amount: cents,
    balance_transaction: null,
    charge: charge.id,
    created,
    currency: charge.currency,
    customer: charge.customer,
    customer_account: null,
    metadata: {},
    payment_intent: null,
    payment_method: charge.payment_method,
    reason: 'requested_by_customer',
    receipt_number: null,
    source_transfer_reversal: null,
    status: 'succeeded',
    transfer_reversal: null,
  };
}

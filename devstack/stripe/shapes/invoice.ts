import type Stripe from 'stripe';
import { listOf } from './list';
import { idOf } from './reference';

/** A line of a bill: what was sold, or with `proration` what is paid back or on top within a period. */
export interface Line {
  readonly id: string;
  readonly description: string;
  readonly cents: number;
  readonly price: Stripe.Price;
  readonly quantity: number;
  readonly proration: boolean;
  readonly start: number;
  readonly end: number;
}

export function invoice(of: {
  readonly id: string;
  readonly subscription: Stripe.Subscription;
  readonly customer: Stripe.Customer | undefined;
  readonly reason: NonNullable<Stripe.Invoice['billing_reason']>;
  readonly isPaid: boolean;
  readonly lines: readonly Line[];
  readonly created: number;
}): Stripe.Invoice {
  const { id, subscription, isPaid, created } = of;
  const total = of.lines.reduce((sum, { cents }) => sum + cents, 0);
  const due = Math.max(total, 0);
  return {
    id,
    object: 'invoice',
    account_country: 'US',
    account_name: 'A stand-in',
    account_tax_ids: null,
    amount_due: due,
    amount_overpaid: 0,
    amount_paid: isPaid ? due : 0,
    amount_remaining: isPaid ? 0 : due,
    amount_shipping: 0,
    application: null,
    attempt_count: 1,
    attempted: true,
    automatic_tax: {
      disabled_reason: null,
      enabled: false,
      liability: null,
      provider: null,
      status: null,
    },
    automatically_finalizes_at: null,
    billing_reason: of.reason,
    collection_method: 'charge_automatically',
    created,
    currency: 'usd',
    custom_fields: null,
    customer: subscription.customer,
    customer_account: null,
    customer_address: null,
    customer_email: of.customer?.email ?? null,
    customer_name: of.customer?.name ?? null,
    customer_phone: null,
    customer_shipping: null,
    customer_tax_exempt: 'none',
    default_payment_method: null,
    default_source: null,
    default_tax_rates: [],
    description: null,
    discounts: [],
    due_date: null,
    effective_at: created,
    ending_balance: 0,
    footer: null,
    from_invoice: null,
    issuer: { type: 'self' },
    last_finalization_error: null,
    latest_revision: null,
    lines: listOf(
      `/v1/invoices/${id}/lines`,
      of.lines.map((line) => lineItem(id, subscription, line)),
    ),
    livemode: false,
    metadata: {},
    next_payment_attempt: isPaid ? null : created + 3 * 86_400,
    number: id.slice(-8).toUpperCase(),
    on_behalf_of: null,
    parent: {
      quote_details: null,
      subscription_details: { metadata: subscription.metadata, subscription: subscription.id },
      type: 'subscription_details',
    },
    payment_settings: {
      default_mandate: null,
      payment_method_options: null,
      payment_method_types: null,
    },
    period_end: created,
    period_start: created,
    post_payment_credit_notes_amount: 0,
    pre_payment_credit_notes_amount: 0,
    receipt_number: null,
    rendering: null,
    shipping_cost: null,
    shipping_details: null,
    starting_balance: 0,
    statement_descriptor: null,
    status: isPaid ? 'paid' : 'open',
    status_transitions: {
      finalized_at: created,
      marked_uncollectible_at: null,
      paid_at: isPaid ? created : null,
      voided_at: null,
    },
    subtotal: total,
    subtotal_excluding_tax: total,
    test_clock: null,
    total,
    total_discount_amounts: [],
    total_excluding_tax: total,
    total_pretax_credit_amounts: [],
    total_taxes: [],
    webhooks_delivered_at: null,
  };
}

function lineItem(
  invoiceId: string,
  subscription: Stripe.Subscription,
  line: Line,
): Stripe.InvoiceLineItem {
  const { price } = line;
  return {
    id: line.id,
    object: 'line_item',
    amount: line.cents,
    currency: 'usd',
    description: line.description,
    discount_amounts: [],
    discountable: !line.proration,
    discounts: [],
    invoice: invoiceId,
    livemode: false,
    metadata: {},
    parent: {
      invoice_item_details: null,
      subscription_item_details: {
        invoice_item: null,
        proration: line.proration,
        proration_details: null,
        subscription: subscription.id,
        subscription_item: subscription.items.data[0]?.id ?? '',
      },
      type: 'subscription_item_details',
    },
    period: { end: line.end, start: line.start },
    pretax_credit_amounts: [],
    pricing: {
      price_details: { price: price.id, product: idOf(price.product) },
      type: 'price_details',
      unit_amount_decimal: price.unit_amount_decimal,
    },
    quantity: line.quantity,
    quantity_decimal: null,
    subscription: subscription.id,
    subtotal: line.cents,
    taxes: [],
  };
}

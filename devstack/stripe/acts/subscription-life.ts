import type Stripe from 'stripe';
import { charge } from '../shapes/charge';
import { invoice, type Line } from '../shapes/invoice';
import { planOf } from '../shapes/price';
import type { FakeState } from '../state';
import { cardOf } from './cards';
import { idOf } from '../shapes/reference';

/** The one item of a subscription. */
export function itemOf(subscription: Stripe.Subscription): Stripe.SubscriptionItem {
  const [item] = subscription.items.data;
  if (!item) throw new Error(`${subscription.id} has no item`);
  return item;
}

/** A subscription gets another status; what Stripe tells of it is told. */
export function setStatus(
  state: FakeState,
  id: string,
  status: Stripe.Subscription['status'],
): void {
  const subscription = state.subscriptions.get(id);
  if (!subscription || subscription.status === status) return;
  const previous = { status: subscription.status };
  subscription.status = status;
  if (status === 'canceled') subscription.canceled_at = subscription.ended_at = state.now();
  const what = status === 'canceled' ? 'deleted' : 'updated';
  state.emit(`customer.subscription.${what}`, subscription, previous);
  if (status === 'past_due') bill(state, subscription, 'subscription_cycle', false);
}

/** Another price or quantity at once: what is left of the period is paid back and paid anew, by the day. */
export function changeNow(
  state: FakeState,
  id: string,
  lookupKey: string,
  quantity: number,
): Stripe.Invoice | null {
  const subscription = state.subscriptions.get(id);
  if (!subscription) return null;
  const item = itemOf(subscription);
  const price = state.priceOf(lookupKey);
  const [start, end] = [state.now(), item.current_period_end];
  const share = (end - start) / (end - item.current_period_start);
  const part = (of: Stripe.Price, count: number): number =>
    Math.round((of.unit_amount ?? 0) * count * share);
  const shared = { proration: true, start, end };
  const lines = [
    {
      ...shared,
      id: state.id('il'),
      description: 'Unused time',
      cents: -part(item.price, item.quantity ?? 1),
      price: item.price,
      quantity: item.quantity ?? 1,
    },
    {
      ...shared,
      id: state.id('il'),
      description: 'Remaining time',
      cents: part(price, quantity),
      price,
      quantity,
    },
  ];
  sell(item, price, quantity);
  state.emit('customer.subscription.updated', subscription);
  return bill(state, subscription, 'subscription_update', true, lines);
}

/** Another price or quantity from the next period on. */
export function changeAtPeriodEnd(
  state: FakeState,
  id: string,
  lookupKey: string,
  quantity: number,
): void {
  state.planned.set(id, { price: state.priceOf(lookupKey).id, quantity });
}

/** Ends with its period, or goes on after all. */
export function cancelAtPeriodEnd(state: FakeState, id: string, ends: boolean): void {
  const subscription = state.subscriptions.get(id);
  if (!subscription || subscription.cancel_at_period_end === ends) return;
  subscription.cancel_at_period_end = ends;
  subscription.cancel_at = ends ? itemOf(subscription).current_period_end : null;
  state.emit('customer.subscription.updated', subscription, { cancel_at_period_end: !ends });
}

export function sell(item: Stripe.SubscriptionItem, price: Stripe.Price, quantity: number): void {
  item.price = price;
  item.plan = planOf(price);
  item.quantity = quantity;
}

/** A bill, paid by the card or not; without lines it is of a whole period. */
export function bill(
  state: FakeState,
  subscription: Stripe.Subscription,
  reason: NonNullable<Stripe.Invoice['billing_reason']>,
  isPaid: boolean,
  lines?: readonly Line[],
): Stripe.Invoice {
  const {
    price,
    quantity = 1,
    current_period_start: start,
    current_period_end: end,
  } = itemOf(subscription);
  const whole = {
    id: state.id('il'),
    description: price.lookup_key ?? price.id,
    cents: (price.unit_amount ?? 0) * quantity,
    price,
    quantity,
    proration: false,
    start,
    end,
  };
  const created = state.now();
  const id = state.id('in');
  const customer = state.customers.get(idOf(subscription.customer));
  const made = invoice({
    id,
    subscription,
    customer,
    reason,
    isPaid,
    lines: lines ?? [whole],
    created,
  });
  state.invoices.set(id, made);
  subscription.latest_invoice = id;
  if (made.amount_due > 0) takeMoney(state, made);
  state.emit(isPaid ? 'invoice.paid' : 'invoice.payment_failed', made);
  return made;
}

function takeMoney(
  state: FakeState,
  { customer, amount_due: cents, status }: Stripe.Invoice,
): void {
  const isPaid = status === 'paid';
  const made = charge({
    id: state.id('ch'),
    customer: idOf(customer),
    cents,
    isPaid,
    paymentMethod: cardOf(state, idOf(customer))?.id ?? null,
    created: state.now(),
  });
  state.charges.set(made.id, made);
  state.emit(isPaid ? 'charge.succeeded' : 'charge.failed', made);
}

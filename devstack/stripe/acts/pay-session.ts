import { subscription } from '../shapes/subscription';
import type { FakeState } from '../state';
import { addCard } from './cards';
import { bill, setStatus } from './subscription-life';
import { idOf } from '../shapes/reference';

/** The customer pays a session (at once, or slowly: the money comes in later) or puts a card down. */
export function paySession(
  state: FakeState,
  sessionId: string,
  how: 'at once' | 'slowly' = 'at once',
  email = 'buyer@example.com',
): void {
  const session = state.sessions.get(sessionId);
  if (session?.status !== 'open') return;
  const customer = idOf(session.customer);
  session.status = 'complete';
  session.url = null;
  noteEmail(state, customer, email);
  addCard(state, customer);
  const basket = state.baskets.get(sessionId);
  if (session.mode === 'subscription' && basket) {
    const price = state.prices.get(basket.price);
    if (!price) throw new Error(`no such price: ${basket.price}`);
    const isPaid = how === 'at once';
    const made = subscription({
      id: state.id('sub'),
      itemId: state.id('si'),
      customer,
      status: isPaid ? 'active' : 'incomplete',
      price,
      quantity: basket.quantity,
      metadata: basket.subscriptionMetadata,
      created: state.now(),
    });
    state.subscriptions.set(made.id, made);
    session.subscription = made.id;
    session.payment_status = isPaid ? 'paid' : 'unpaid';
    state.emit('customer.subscription.created', made);
    if (isPaid) session.invoice = bill(state, made, 'subscription_create', true).id;
  }
  state.emit('checkout.session.completed', session);
}

/** Who had no address gets the one that was typed on the page, as Checkout does it. */
function noteEmail(state: FakeState, customerId: string, email: string): void {
  const customer = state.customers.get(customerId);
  if (!customer || customer.email !== null) return;
  customer.email = email;
  state.emit('customer.updated', customer, { email: null });
}

/** A slow payment comes in, or does not. */
export function settleSlowPayment(state: FakeState, sessionId: string, ok: boolean): void {
  const session = state.sessions.get(sessionId);
  const bought = state.subscriptions.get(idOf(session?.subscription));
  if (!session || !bought) return;
  if (ok) session.payment_status = 'paid';
  setStatus(state, bought.id, ok ? 'active' : 'incomplete_expired');
  state.emit(`checkout.session.async_payment_${ok ? 'succeeded' : 'failed'}`, session);
}

/** Ends an open session. Answers whether it was open. */
export function expireSession(state: FakeState, sessionId: string): boolean {
  const session = state.sessions.get(sessionId);
  if (session?.status !== 'open') return false;
  session.status = 'expired';
  session.url = null;
  state.emit('checkout.session.expired', session);
  return true;
}

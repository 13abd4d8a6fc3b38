import type Stripe from 'stripe';
import { paySession } from '../acts/pay-session';
import type { FakeState } from '../state';
import { button, dollars, escaped, goTo, page, type Page, type PageRequest } from './page';
import { idOf } from '../shapes/reference';

/** The hosted payment page: looking changes nothing, its buttons pay, pay slowly, are declined, or go back. */
export function payPage(state: FakeState, { method, path, query, form }: PageRequest): Page {
  const id = path.slice('/pay/'.length);
  const session = state.sessions.get(id);
  if (!session) return page(404, 'There is no such session', '');
  if (method === 'POST') {
    const email = form.get('email') || undefined;
    const act = form.get('act');
    if (act === 'decline') return goTo(`${path}?declined`);
    if (act !== 'pay' && act !== 'slow') return goTo(session.cancel_url ?? '/');
    paySession(state, id, act === 'pay' ? 'at once' : 'slowly', email);
    return goTo(session.success_url ?? '/');
  }
  if (session.status !== 'open') return page(200, `This session is ${session.status}`, '');
  return page(200, 'Checkout', pageBody(state, session, query.has('declined')));
}

function pageBody(state: FakeState, session: Stripe.Checkout.Session, declined: boolean): string {
  const email = state.customers.get(idOf(session.customer))?.email ?? 'buyer@example.com';
  const said = declined ? '<p class="said">The card was declined. Nothing was charged.</p>' : '';
  const label = session.mode === 'setup' ? 'Save card' : 'Pay';
  return `${said}<div class="sum">${summaryOf(state, session)}</div><form method="post">
<label for="email">Email</label><input id="email" name="email" type="email" value="${escaped(email)}">
<label for="card">Card</label><input id="card" value="4242 4242 4242 4242" readonly>
<div class="row"><input aria-label="Expiry" value="12 / 34" readonly><input aria-label="CVC" value="123" readonly></div>
${button('pay', label, true)}${button('slow', 'Pay slowly')}${button('decline', 'Be declined')}${button('back', 'Back')}</form>`;
}

function summaryOf(state: FakeState, { id, amount_total: total }: Stripe.Checkout.Session): string {
  const basket = state.baskets.get(id);
  const price = state.prices.get(basket?.price ?? '');
  if (!basket || !price) return '<span>A card on file</span><b>$0.00</b>';
  const name = escaped(price.lookup_key ?? price.id);
  const each = `${dollars(price.unit_amount ?? 0)} a ${price.recurring?.interval}`;
  const what = `${name}: ${each} × ${basket.quantity}`;
  return `<span>${what}</span><b>${dollars(total ?? 0)}</b>`;
}

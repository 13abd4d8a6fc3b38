import type Stripe from 'stripe';
import { advanceClock } from '../acts/advance-clock';
import { addCard, cardOf, removeCards } from '../acts/cards';
import { disputeCharge, lastCharge, refundCharge } from '../acts/reverse-charge';
import {
  cancelAtPeriodEnd,
  changeAtPeriodEnd,
  changeNow,
  itemOf,
  setStatus,
} from '../acts/subscription-life';
import type { FakeState } from '../state';
import { button, dollars, escaped, goTo, page, type Page, type PageRequest } from './page';

/** The portal: what a customer changes at Stripe, and what else may happen to a subscription. */
export function portalPage(state: FakeState, request: PageRequest): Page {
  const { method, path, query, form } = request;
  const customer = path.slice('/portal/'.length);
  if (!state.customers.has(customer)) return page(404, 'There is no such customer', '');
  const mine = [...state.subscriptions.values()].filter((known) => known.customer === customer);
  const current = mine.findLast(({ status }) => status !== 'canceled');
  if (method === 'POST') {
    act(state, customer, current, form);
    return goTo(`${path}?${query.toString()}`);
  }
  const back = query.get('back');
  const link = back ? `<p><a href="${escaped(back)}">Back</a></p>` : '';
  const body = [plan(state, current), card(state, customer), bills(state, customer), link];
  return page(200, 'Portal', `<form method="post">${body.join('')}</form>`);
}

function act(
  state: FakeState,
  customer: string,
  current: Stripe.Subscription | undefined,
  form: URLSearchParams,
): void {
  const wanted = [form.get('price') ?? '', Math.max(Number(form.get('seats')) || 1, 1)] as const;
  const on = (change: (id: string) => unknown): unknown => current && change(current.id);
  const acts: Record<string, () => unknown> = {
    change: () => on((id) => changeNow(state, id, ...wanted)),
    later: () => on((id) => changeAtPeriodEnd(state, id, ...wanted)),
    cancel: () => on((id) => cancelAtPeriodEnd(state, id, true)),
    resume: () => on((id) => cancelAtPeriodEnd(state, id, false)),
    fail: () => on((id) => setStatus(state, id, 'past_due')),
    recover: () => on((id) => setStatus(state, id, 'active')),
    end: () => on((id) => setStatus(state, id, 'canceled')),
    card: () => addCard(state, customer),
    uncard: () => removeCards(state, customer),
    refund: () => {
      const charge = lastCharge(state, customer);
      if (!charge.refunded) refundCharge(state, charge, charge.amount - charge.amount_refunded);
    },
    dispute: () => disputeCharge(state, lastCharge(state, customer)),
    month: () => advanceClock(state, 30 * 86_400),
  };
  acts[form.get('act') ?? '']?.();
}

function plan(state: FakeState, current: Stripe.Subscription | undefined): string {
  if (!current) return '<h2>Plan</h2><p>There is no subscription.</p>';
  const { price, quantity = 1, current_period_end: end } = itemOf(current);
  const until = new Date(end * 1_000).toISOString().slice(0, 10);
  const next = state.planned.get(current.id);
  const nextKey = state.prices.get(next?.price ?? '')?.lookup_key;
  const then = current.cancel_at_period_end ? 'ends' : nextKey ? `becomes ${nextKey}` : 'renews';
  const options = [...state.prices.values()]
    .filter(({ lookup_key: key }) => key !== null)
    .map(({ lookup_key: key, unit_amount: cents, recurring }) => {
      const label = `${key} (${dollars(cents ?? 0)} a ${recurring?.interval})`;
      const selected = key === price.lookup_key ? ' selected' : '';
      return `<option value="${escaped(key ?? '')}"${selected}>${escaped(label)}</option>`;
    });
  return `<h2>Plan</h2><ul><li><span>${escaped(price.lookup_key ?? price.id)} × ${quantity}</span><span>${current.status}, ${escaped(then)} ${until}</span></li></ul>
<label for="price">Another plan</label><select id="price" name="price">${options.join('')}</select>
<label for="seats">Seats</label><input id="seats" name="seats" type="number" min="1" value="${quantity}">
${button('change', 'Change now, prorated')}${button('later', 'Change at the period’s end')}
${current.cancel_at_period_end ? button('resume', 'Go on after all') : button('cancel', 'Cancel at the period’s end')}
<h2>What else may happen</h2>${current.status === 'past_due' ? button('recover', 'The payment comes in') : button('fail', 'The next payment fails')}
${button('month', 'Thirty days pass')}${button('end', 'It ends now')}`;
}

function card(state: FakeState, customer: string): string {
  const held = cardOf(state, customer)?.card;
  const row = held ? `${held.brand} ending in ${held.last4}` : 'No card on file';
  return `<h2>Card</h2><p>${escaped(row)}</p>${held ? button('uncard', 'Remove the card') : button('card', 'Add a card')}`;
}

function bills(state: FakeState, customer: string): string {
  const mine = [...state.invoices.values()].filter((known) => known.customer === customer);
  const rows = mine
    .reverse()
    .map(
      ({ number, total, status }) =>
        `<li><span>${escaped(number ?? '')}</span><span>${dollars(total)}, ${status}</span></li>`,
    );
  const acts =
    rows.length > 0 ? button('refund', 'Refund it') + button('dispute', 'Dispute it') : '';
  return `<h2>Invoices</h2><ul>${rows.join('')}</ul>${acts}`;
}

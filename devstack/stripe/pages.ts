import type { FakeState } from './state';

interface Page {
  readonly status: number;
  readonly html: string;
  readonly location?: string;
}

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;background:#f6f7f9;margin:0}main{max-width:26rem;margin:12vh auto;padding:2rem;
background:#fff;border-radius:12px;box-shadow:0 1px 3px #0002}button{font:inherit;padding:.6rem 1.2rem;border:0;border-radius:8px;
background:#635bff;color:#fff;cursor:pointer;margin:.2rem .3rem .2rem 0}button.quiet{background:#e4e8ed;color:#16202c}h1{font-size:1.2rem}`;

const page = (title: string, body: string): string =>
  `<!doctype html><meta charset="utf-8"><title>${title}</title><style>${STYLE}</style><main><h1>${title}</h1>${body}<p><small>A stand-in for Stripe on this machine. No money moves.</small></p></main>`;
const button = (act: string, label: string, quiet = false): string =>
  `<button name="act" value="${act}"${quiet ? ' class="quiet"' : ''}>${label}</button>`;

/** The hosted payment page: looking changes nothing, its buttons pay, pay slowly, or go back. */
export function payPage(state: FakeState, method: string, path: string, body: string): Page {
  const id = path.slice('/pay/'.length);
  const session = state.sessions.get(id);
  if (!session) return { status: 404, html: page('No such session', '') };
  if (method === 'POST') {
    const act = new URLSearchParams(body).get('act');
    if (act === 'pay') state.pay(id);
    if (act === 'slow') state.pay(id, 'slow');
    const location = act === 'back' ? session.cancel_url : session.success_url;
    return { status: 303, html: '', location: location ?? '/' };
  }
  if (session.status !== 'open')
    return { status: 200, html: page(`This session is ${session.status}`, '') };
  const [item] = session.lineItems;
  const price = item && state.prices.get(item.price);
  const what = price
    ? `${price.lookup_key}: $${((price.unit_amount ?? 0) / 100).toFixed(2)} a ${price.recurring?.interval} × ${item.quantity}`
    : 'A card on file';
  const buttons =
    button('pay', 'Pay') + button('slow', 'Pay slowly', true) + button('back', 'Back', true);
  return {
    status: 200,
    html: page('Checkout', `<p>${what}</p><form method="post">${buttons}</form>`),
  };
}

/** The portal: cancel at the period's end, go on, remove the card, let the next payment fail. */
export function portalPage(state: FakeState, method: string, path: string, body: string): Page {
  const customer = path.slice('/portal/'.length);
  const mine = [...state.subscriptions.values()].filter((known) => known.customer === customer);
  if (method === 'POST') {
    const act = new URLSearchParams(body).get('act');
    for (const subscription of mine) {
      if (act === 'cancel' || act === 'resume') {
        subscription.cancel_at_period_end = act === 'cancel';
        state.emit('customer.subscription.updated', subscription);
      }
      if (act === 'fail') state.setStatus(subscription.id, 'past_due');
      if (act === 'end') state.setStatus(subscription.id, 'canceled');
    }
    if (act === 'uncard') state.removeCards(customer);
    return { status: 303, html: '', location: path };
  }
  const rows = mine
    .map(
      ({ id, status, cancel_at_period_end: ends }) =>
        `<li>${id}: ${status}${ends ? ', ends with its period' : ''}</li>`,
    )
    .join('');
  const buttons = [
    button('cancel', 'Cancel at the period’s end'),
    button('resume', 'Go on', true),
    button('fail', 'Fail the next payment', true),
    button('end', 'End now', true),
    button('uncard', 'Remove the card', true),
  ].join('');
  return {
    status: 200,
    html: page('Portal', `<ul>${rows}</ul><form method="post">${buttons}</form>`),
  };
}

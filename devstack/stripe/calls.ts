import type Stripe from 'stripe';
import { addPrice, addProduct } from './acts/add-price';
import { expireSession } from './acts/pay-session';
import { setStatus } from './acts/subscription-life';
import { found, Refused, strings, text, type Params } from './params';
import { checkoutSession } from './shapes/checkout-session';
import { customer } from './shapes/customer';
import { listOf } from './shapes/list';
import type { FakeEvent, FakeState } from './state';
import { idOf } from './shapes/reference';

const DAY_SECONDS = 86_400;

/** Carries out one call of Stripe's API and answers the object, in Stripe's shape. Throws Refused. */
export function answerCall(state: FakeState, method: string, path: string, params: Params): object {
  const [, , resource = '', sub = '', third = ''] = path.split('/');
  const url = path.replace(/\/$/, '');
  switch (`${method} ${resource}`) {
    case 'POST customers':
      return newCustomer(state, params);
    case 'GET customers':
      return found(state.customers, 'customer', sub);
    case 'POST products':
      return sub === '' ? newProduct(state, params) : renamed(state, sub, params);
    case 'GET products':
      return found(state.products, 'product', sub);
    case 'POST prices':
      return newPrice(state, params);
    case 'GET prices':
      return listOf(url, pricesFor(state, params));
    case 'POST checkout':
      return third === '' ? newSession(state, params) : expired(state, third);
    case 'GET checkout':
      return found(state.sessions, 'checkout.session', third);
    case 'GET subscriptions':
      return found(state.subscriptions, 'subscription', sub);
    case 'DELETE subscriptions':
      return cancelled(state, sub);
    case 'GET invoices':
      return found(state.invoices, 'invoice', sub);
    case 'GET charges':
      return found(state.charges, 'charge', sub);
    case 'GET refunds':
      return sub === ''
        ? listOf(
            url,
            [...state.refunds.values()].filter(({ charge }) => charge === params['charge']),
          )
        : withCharge(state, found(state.refunds, 'refund', sub), params);
    case 'GET disputes':
      return withCharge(state, found(state.disputes, 'dispute', sub), params);
    case 'GET payment_methods':
      return listOf(
        url,
        [...state.paymentMethods.values()].filter((card) => card.customer === params['customer']),
      );
    case 'GET events':
      return events(state, params);
    case 'POST billing_portal':
      return portalSession(state, params);
    default:
      throw new Refused(404, `Unrecognized request URL (${method}: ${path}).`);
  }
}

function newCustomer(state: FakeState, params: Params): Stripe.Customer {
  const made = customer({
    id: state.id('cus'),
    name: text(params, 'name'),
    email: text(params, 'email'),
    metadata: strings(params['metadata']),
    created: state.now(),
  });
  state.customers.set(made.id, made);
  state.emit('customer.created', made);
  return made;
}

function newProduct(state: FakeState, params: Params): Stripe.Product {
  const id = text(params, 'id') ?? state.id('prod');
  if (state.products.has(id)) throw new Refused(400, `Product already exists: ${id}`);
  return addProduct(state, id, String(params['name']));
}

function renamed(state: FakeState, id: string, params: Params): Stripe.Product {
  const product = found(state.products, 'product', id);
  if (typeof params['name'] === 'string') product.name = params['name'];
  return product;
}

function newPrice(state: FakeState, params: Params): Stripe.Price {
  const lookupKey = text(params, 'lookup_key');
  const taken = [...state.prices.values()].some(
    (known) => lookupKey !== null && known.lookup_key === lookupKey,
  );
  if (taken && params['transfer_lookup_key'] !== 'true') {
    throw new Refused(400, `A price already uses the lookup key ${lookupKey}.`);
  }
  const product = found(state.products, 'product', String(params['product']));
  const { interval } = (params['recurring'] ?? {}) as Params;
  return addPrice(state, {
    lookupKey,
    product: product.id,
    cents: Number(params['unit_amount']),
    interval: interval === 'year' ? 'year' : 'month',
    metadata: strings(params['metadata']),
  });
}

function pricesFor(state: FakeState, params: Params): Stripe.Price[] {
  const wanted = Object.values(params['lookup_keys'] ?? {});
  return [...state.prices.values()].filter(
    ({ lookup_key: key }) => wanted.length === 0 || wanted.includes(key),
  );
}

function newSession(state: FakeState, params: Params): Stripe.Checkout.Session {
  const mode = params['mode'] === 'setup' ? 'setup' : 'subscription';
  const buyer = found(state.customers, 'customer', String(params['customer']));
  const [item] = Object.values((params['line_items'] ?? {}) as Record<string, Params>);
  const price = item ? found(state.prices, 'price', String(item['price'])) : null;
  const quantity = Number(item?.['quantity'] ?? 1);
  const id = state.id('cs_test');
  const { metadata } = (params['subscription_data'] ?? {}) as Params;
  if (price) {
    const basket = { price: price.id, quantity, subscriptionMetadata: strings(metadata) };
    state.baskets.set(id, basket);
  }
  const made = checkoutSession({
    id,
    url: `${state.url()}/pay/${id}`,
    mode,
    customer: buyer.id,
    reference: text(params, 'client_reference_id'),
    successUrl: text(params, 'success_url') ?? '',
    cancelUrl: text(params, 'cancel_url'),
    metadata: strings(params['metadata']),
    total: price ? (price.unit_amount ?? 0) * quantity : null,
    created: state.now(),
    expiresAt: state.now() + DAY_SECONDS,
  });
  state.sessions.set(id, made);
  return made;
}

function expired(state: FakeState, id: string): Stripe.Checkout.Session {
  const session = found(state.sessions, 'checkout.session', id);
  if (!expireSession(state, id)) {
    throw new Refused(400, 'Only Checkout Sessions with a status in ["open"] can be expired.');
  }
  return session;
}

function cancelled(state: FakeState, id: string): Stripe.Subscription {
  const subscription = found(state.subscriptions, 'subscription', id);
  if (subscription.status === 'canceled') throw new Refused(404, `No such subscription: ${id}`);
  setStatus(state, id, 'canceled');
  return subscription;
}

/** A refund or dispute, with its charge as an object where that was asked for. */
function withCharge(
  state: FakeState,
  thing: Stripe.Refund | Stripe.Dispute,
  params: Params,
): Stripe.Refund | Stripe.Dispute {
  if (!Object.values(params['expand'] ?? {}).includes('charge')) return thing;
  return { ...thing, charge: found(state.charges, 'charge', idOf(thing.charge)) };
}

function events(state: FakeState, params: Params): Stripe.ApiList<FakeEvent> {
  const { gte, lt } = (params['created'] ?? {}) as Params;
  const types = Object.values(params['types'] ?? {});
  const limit = Number(params['limit'] ?? 10);
  const newest = [...state.events]
    .reverse()
    .filter(({ created }) => created >= Number(gte ?? 0) && created < Number(lt ?? Infinity))
    .filter(({ type }) => types.length === 0 || types.includes(type));
  const after = params['starting_after'];
  const start = after ? newest.findIndex(({ id }) => id === after) + 1 : 0;
  return listOf('/v1/events', newest.slice(start, start + limit), start + limit < newest.length);
}

function portalSession(state: FakeState, params: Params): Stripe.BillingPortal.Session {
  const { id: owner } = found(state.customers, 'customer', String(params['customer']));
  const back = text(params, 'return_url') ?? '';
  return {
    id: state.id('bps'),
    object: 'billing_portal.session',
    configuration: 'bpc_of_the_stand_in',
    created: state.now(),
    customer: owner,
    customer_account: null,
    flow: null,
    livemode: false,
    locale: null,
    on_behalf_of: null,
    return_url: back,
    url: `${state.url()}/portal/${owner}?back=${encodeURIComponent(back)}`,
  };
}

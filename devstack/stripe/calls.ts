import type { FakeState } from './state';

/** A call that Stripe would refuse. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

type Params = Record<string, unknown>;

/** Carries out one call of Stripe's API and answers the object, in Stripe's shape. Throws Refused. */
export function answerCall(state: FakeState, method: string, path: string, params: Params): object {
  const [, , resource = '', sub = '', third = ''] = path.split('/');
  const call = `${method} ${resource}`;
  switch (call) {
    case 'POST customers':
      return state.newCustomer(strings(params['metadata']));
    case 'GET customers':
      return found(state.customers.get(sub), 'customer', sub);
    case 'POST prices':
      return newPrice(state, params);
    case 'GET prices':
      return list(
        [...state.prices.values()].filter(({ lookup_key: key }) => {
          const wanted = Object.values(params['lookup_keys'] ?? []);
          return wanted.length === 0 || wanted.includes(key);
        }),
      );
    case 'POST checkout':
      return third === '' ? newSession(state, params) : expired(state, third);
    case 'GET checkout':
      return shown(found(state.sessions.get(third), 'checkout.session', third));
    case 'GET subscriptions':
      return found(state.subscriptions.get(sub), 'subscription', sub);
    case 'GET invoices':
      return found(state.invoices.get(sub), 'invoice', sub);
    case 'GET payment_methods':
      return list(
        [...state.paymentMethods.values()].filter(
          ({ customer }) => customer === params['customer'],
        ),
      );
    case 'GET events':
      return events(state, params);
    case 'POST billing_portal':
      return portal(state, params);
    default:
      throw new Refused(404, `Unrecognized request URL (${method}: ${path}).`);
  }
}

/** A price; one that takes over a lookup key leaves the older without. */
function newPrice(state: FakeState, params: Params): object {
  const lookupKey = typeof params['lookup_key'] === 'string' ? params['lookup_key'] : null;
  for (const known of state.prices.values()) {
    if (lookupKey !== null && known.lookup_key === lookupKey) known.lookup_key = null;
  }
  const interval = ((params['recurring'] ?? {}) as Params)['interval'];
  const price = {
    id: state.id('price'),
    object: 'price' as const,
    lookup_key: lookupKey,
    product: state.id('prod'),
    unit_amount: Number(params['unit_amount']),
    currency: 'usd',
    active: true,
    created: state.now(),
    recurring: { interval: interval === 'year' ? ('year' as const) : ('month' as const) },
  };
  state.prices.set(price.id, price);
  return price;
}

function newSession(state: FakeState, params: Params): object {
  const mode = params['mode'] === 'setup' ? 'setup' : 'subscription';
  const items = Object.values((params['line_items'] ?? {}) as Record<string, Params>);
  for (const { price } of items) found(state.prices.get(String(price)), 'price', String(price));
  found(state.customers.get(String(params['customer'])), 'customer', String(params['customer']));
  const data = (params['subscription_data'] ?? {}) as Params;
  return shown(
    state.newSession({
      mode,
      customer: String(params['customer']),
      reference: (params['client_reference_id'] as string | undefined) ?? null,
      successUrl: String(params['success_url']),
      cancelUrl: (params['cancel_url'] as string | undefined) ?? null,
      metadata: strings(params['metadata']),
      lineItems: items.map(({ price, quantity }) => ({
        price: String(price),
        quantity: Number(quantity ?? 1),
      })),
      subscriptionMetadata: strings(data['metadata']),
    }),
  );
}

function expired(state: FakeState, id: string): object {
  const session = found(state.sessions.get(id), 'checkout.session', id);
  if (!state.expire(id)) {
    throw new Refused(400, `Only Checkout Sessions with a status in ["open"] can be expired.`);
  }
  return shown(session);
}

/** A session without what only the fake knows. */
function shown(session: object): object {
  const { lineItems: _items, subscriptionMetadata: _metadata, ...rest } = session as Params;
  return rest;
}

function events(state: FakeState, params: Params): object {
  const since = Number(((params['created'] ?? {}) as Params)['gte'] ?? 0);
  const limit = Number(params['limit'] ?? 10);
  const newest = [...state.events].reverse().filter(({ created }) => created >= since);
  const after = params['starting_after'];
  const start = after ? newest.findIndex(({ id }) => id === after) + 1 : 0;
  const data = newest.slice(start, start + limit);
  return { ...list(data), has_more: start + limit < newest.length, url: '/v1/events' };
}

function portal(state: FakeState, params: Params): object {
  const customer = String(params['customer']);
  found(state.customers.get(customer), 'customer', customer);
  const id = state.id('bps');
  const url = `${state.url()}/portal/${customer}?back=${encodeURIComponent(String(params['return_url']))}`;
  return { id, object: 'billing_portal.session', customer, url, return_url: params['return_url'] };
}

function found<Thing>(thing: Thing | undefined, kind: string, id: string): Thing {
  if (thing === undefined) throw new Refused(404, `No such ${kind}: '${id}'`);
  return thing;
}

function list(data: readonly object[]): {
  object: 'list';
  data: readonly object[];
  has_more: boolean;
} {
  return { object: 'list', data, has_more: false };
}

function strings(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(value ?? {}).map(([key, item]) => [key, String(item)]));
}

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parse } from 'qs';
import { addPrice } from './acts/add-price';
import { advanceClock } from './acts/advance-clock';
import { answerCall } from './calls';
import { Faults, type Chaos, type FakeFault } from './faults';
import type { Page, PageRequest } from './pages/page';
import { payPage } from './pages/pay-page';
import { portalPage } from './pages/portal-page';
import { Refused } from './params';
import { FakeState, type FakeEvent } from './state';
import { createWebhooks } from './webhooks';

/** A stateful stand-in for Stripe on this machine: its API, hosted pages, signed webhooks, and faults on demand. */
export interface FakeStripe {
  readonly url: string;
  readonly state: FakeState;
  readonly faults: Faults;
  /** Runs while an answer is held back by `webhook_first`, after the webhooks that came before it were delivered. */
  whileHeld: (() => Promise<void>) | null;
  /** How many requests that may have changed something came in so far. */
  requests(): number;
  /** Waits until every webhook that is on its way has been answered or given up. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** A price that the catalogue sells. */
export interface InitialPrice {
  readonly lookupKey: string;
  readonly cents: number;
  readonly interval: 'month' | 'year';
}

export async function startFakeStripe(options: {
  readonly port?: number;
  readonly webhookSecret: string;
  /** Where webhooks go; null: nowhere. */
  readonly webhookUrl: () => string | null;
  /** Prices that are there from the start, by lookup key. */
  readonly prices: readonly InitialPrice[];
}): Promise<FakeStripe> {
  let url = '';
  let changing = 0;
  const faults = new Faults();
  const webhooks = createWebhooks(options.webhookSecret, options.webhookUrl, faults);
  const state = new FakeState(
    () => url,
    (event: FakeEvent) => webhooks.send(event),
  );
  for (const price of options.prices) addPrice(state, price);
  const server = createServer((request, response) => {
    void handle(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, search, searchParams: query } = new URL(request.url ?? '/', url);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const method = request.method ?? 'GET';
    if (method !== 'GET') changing += 1;
    const shown = pageOf({ method, path: pathname, query, form: new URLSearchParams(body) });
    if (shown) return showPage(shown, response);
    if (pathname === '/_fake/faults') {
      faults.add(JSON.parse(body) as FakeFault);
      return void response.end('{}');
    }
    if (pathname === '/_fake/chaos') {
      faults.chaos = JSON.parse(body) as Chaos | null;
      return void response.end('{}');
    }
    if (pathname === '/_fake/advance') {
      advanceClock(state, (JSON.parse(body) as { seconds: number }).seconds);
      return void response.end('{}');
    }
    const key = request.headers['idempotency-key'];
    const params = parse(method === 'GET' ? search.slice(1) : body, { depth: 10 });
    const name = `${method} ${pathname.replace(/\/(cus|cs_test|sub|in|pm|price|ch|re|du|prod)_[^/]+/, '/{id}')}`;
    const fault = faults.take(name);
    if (fault === 'status_500' || fault === 'status_429') {
      const status = fault === 'status_500' ? 500 : 429;
      return answer(response, status, refusal('api_error', 'asked to fail'));
    }
    const { status, text } = once(typeof key === 'string' ? key : null, body, () =>
      call(method, pathname, params),
    );
    if (fault === 'webhook_first') {
      await webhooks.settled();
      await fake.whileHeld?.();
    }
    if (fault === 'timeout_after_commit') return void request.socket.destroy();
    answer(response, status, text);
  }

  function pageOf(request: PageRequest): Page | null {
    if (request.path.startsWith('/pay/')) return payPage(state, request);
    return request.path.startsWith('/portal/') ? portalPage(state, request) : null;
  }

  function call(method: string, path: string, params: Record<string, unknown>) {
    try {
      return { status: 200, text: JSON.stringify(answerCall(state, method, path, params)) };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { status: error.status, text: refusal('invalid_request_error', error.message) };
    }
  }

  /** The first reply to an idempotency key, again and again; another request under it is refused. */
  function once(key: string | null, params: string, act: () => { status: number; text: string }) {
    if (key === null) return act();
    const known = state.replies.get(key);
    if (known && known.params !== params) {
      return { status: 400, text: refusal('idempotency_error', 'another request had this key') };
    }
    if (known) return { status: known.status, text: known.body };
    const reply = act();
    state.replies.set(key, { params, status: reply.status, body: reply.text });
    return reply;
  }

  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const fake: FakeStripe = {
    url,
    state,
    faults,
    whileHeld: null,
    requests: () => changing,
    settled: webhooks.settled,
    async close() {
      webhooks.stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}

function refusal(type: string, message: string): string {
  return JSON.stringify({ error: { type, message } });
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(text);
}

function showPage({ status, html, location }: Page, response: ServerResponse): void {
  const headers = { 'content-type': 'text/html; charset=utf-8', ...(location ? { location } : {}) };
  response.writeHead(status, headers).end(html);
}

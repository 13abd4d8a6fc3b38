import Stripe from 'stripe';
import type { Chaos, Faults } from './faults';
import type { FakeEvent } from './state';

const DELAY_MS = 150;
const TIMEOUT_MS = 5_000;

/** An event as an account of another API version tells it: the object has hardly a field of those that ours has. */
function inWrongVersion({ data: { object, ...data }, ...event }: FakeEvent): FakeEvent {
  const { id, customer } = object;
  const bare = { id, object: object['object'], customer, plan: null, subscription: null };
  return { ...event, api_version: '2011-01-01', data: { ...data, object: bare } };
}

/** Sends events to the webhook, signed as Stripe signs them, as wrongly as the faults ask for. */
export function createWebhooks(secret: string, target: () => string | null, faults: Faults) {
  const open = new Set<Promise<void>>();
  let held: FakeEvent | null = null;
  let stopped = false;
  const signer = new Stripe('sk_test_fake');

  async function post(event: FakeEvent): Promise<void> {
    const url = target();
    if (url === null || stopped) return;
    const payload = JSON.stringify(event);
    const signature = signer.webhooks.generateTestHeaderString({ payload, secret });
    await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=utf-8', 'stripe-signature': signature },
      body: payload,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).then(
      (answer) => answer.text(),
      () => undefined,
    );
  }

  function start(sending: Promise<void>): void {
    const tracked = sending.finally(() => open.delete(tracked));
    open.add(tracked);
  }

  function astray(event: FakeEvent, { drop, duplicate, shuffleMs }: Chaos): void {
    const luck = Math.random();
    if (luck < drop) return;
    for (let copies = luck < drop + duplicate ? 2 : 1; copies > 0; copies--) {
      const laterMs = Math.random() * shuffleMs;
      start(new Promise((resolve) => setTimeout(resolve, laterMs)).then(() => post(event)));
    }
  }

  return {
    send(event: FakeEvent): void {
      if (faults.chaos) return astray(event, faults.chaos);
      const before = held;
      held = null;
      switch (faults.take(event.type)) {
        case 'drop':
          break;
        case 'duplicate':
          start(post(event));
          start(post(event));
          break;
        case 'delay':
          start(new Promise((resolve) => setTimeout(resolve, DELAY_MS)).then(() => post(event)));
          break;
        case 'reorder':
          held = event;
          break;
        case 'wrong_version':
          start(post(inWrongVersion(event)));
          break;
        case 'status_500':
        case 'status_429':
        case 'timeout_after_commit':
        case 'webhook_first':
        case null:
          start(post(event));
      }
      if (before) start(post(before));
    },
    async settled(): Promise<void> {
      if (held) {
        const last = held;
        held = null;
        start(post(last));
      }
      while (open.size > 0) await Promise.all(open);
    },
    stop(): void {
      stopped = true;
    },
  };
}

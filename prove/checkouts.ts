import { Client } from 'pg';
import { withThrowawayStack, type ThrowawayStack } from '../devstack/throwaway-stack';
import { waitForUrl } from '../devstack/wait-for-url';
import type { Proof, ProofResult } from './proof';

const CHECKOUTS = 1_000;
const LANES = 16;
const KILLED_AT = [300, 700];
const CHAOS = { drop: 0.3, duplicate: 0.3, shuffleMs: 2_000 };
/** The poll asks at gaps of half a checkout's age: what was paid is known after as long again, and the sweep's minute. */
const PATIENCE_MS = 300_000;

/** Every purchase is found and applied once, whatever becomes of its webhooks. */
export const checkoutProofs: readonly Proof[] = [
  {
    name: 'checkouts',
    claim: `${CHECKOUTS} checkouts, 30 % of webhooks dropped, 30 % doubled, all shuffled, the worker killed twice: all reconciled, none twice`,
    run: proveCheckouts,
  },
];

async function proveCheckouts(say: (text: string) => void): Promise<ProofResult> {
  return withThrowawayStack({ LOG_LEVEL: 'warn' }, say, async (stack) => {
    await fetch(`${stack.stripeUrl}/_fake/chaos`, { method: 'POST', body: JSON.stringify(CHAOS) });
    const startedAt = Date.now();
    let next = 0;
    let paid = 0;
    const lane = async (): Promise<void> => {
      while (next++ < CHECKOUTS) {
        await buy(stack, next);
        if (!KILLED_AT.includes(++paid)) continue;
        say(`SIGKILL of worker after ${paid}`);
        process.kill(stack.pids()['worker'] ?? 0, 'SIGKILL');
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    const paidAfter = (Date.now() - startedAt) / 1_000;
    await waitForUrl(`${stack.apiUrl}/readyz`, (body) => body['temporal'] === 'up');
    const doneAfter = await settle(stack, startedAt, say);
    const counts = await read(stack);
    const complaints = Object.entries(counts)
      .filter(([, count]) => count !== CHECKOUTS)
      .map(([what, count]) => `${what}: ${count}, not ${CHECKOUTS}`);
    return {
      complaints,
      figures: {
        'all paid after': `${paidAfter.toFixed(0)} s`,
        'all reconciled after': `${doneAfter} s`,
      },
    };
  });
}

/** Buys as a customer does: a 503 is asked again when Retry-After says so. */
async function buy(stack: ThrowawayStack, n: number): Promise<void> {
  const ask = async (
    path: string,
    key: string,
    body: object,
  ): Promise<{ url: string; apiKey: { secret: string } }> => {
    const answer = await fetch(stack.apiUrl + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': key },
      body: JSON.stringify(body),
    });
    const retryAfter = Number(answer.headers.get('retry-after'));
    if (answer.status === 503 && retryAfter > 0) {
      await answer.text();
      await new Promise((resolve) => setTimeout(resolve, retryAfter * 1_000));
      return ask(path, key, body);
    }
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as { url: string; apiKey: { secret: string } };
  };
  const made = await ask('/v1/admin/orgs', stack.seeded.operatorKey, { name: `buyer ${n}` });
  const { url } = await ask('/v1/billing/checkout', made.apiKey.secret, { planKey: 'team' });
  await fetch(url, { method: 'POST', body: 'act=pay', redirect: 'manual' });
}

async function settle(
  stack: ThrowawayStack,
  startedAt: number,
  say: (text: string) => void,
): Promise<number> {
  for (let told = 0; Date.now() - startedAt < PATIENCE_MS;) {
    const { completed } = await read(stack);
    const seconds = Math.round((Date.now() - startedAt) / 1_000);
    if (completed === CHECKOUTS) return seconds;
    if (seconds - told >= 20) {
      told = seconds;
      say(`${completed} of ${CHECKOUTS} reconciled after ${seconds} s`);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return Math.round((Date.now() - startedAt) / 1_000);
}

/** Everything of which there must be one a checkout. */
async function read(stack: ThrowawayStack): Promise<Record<string, number>> {
  const client = new Client({ connectionString: stack.databaseUrl });
  await client.connect();
  const { rows } = await client.query<Record<string, number>>(
    `SELECT (SELECT count(*) FROM checkouts WHERE status = 'completed')::int AS completed,
       (SELECT count(*) FROM billing_subscriptions WHERE status = 'active')::int AS subscriptions,
       (SELECT count(*) FROM organizations WHERE plan_key = 'team' AND name LIKE 'buyer%')::int AS "plans in force",
       (SELECT count(*) FROM audit_records WHERE action = 'checkout.completed')::int AS "audit records of completion",
       (SELECT count(*) FROM audit_records WHERE action = 'billing.subscription.updated')::int AS "audit records of the plan",
       (SELECT count(*) FROM events WHERE type = 'billing.checkout.completed')::int AS "events told"`,
  );
  await client.end();
  return rows[0] ?? {};
}

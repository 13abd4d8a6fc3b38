import { Client } from 'pg';
import { startReceiver, type ReceivedRequest, type Receiver } from '../devstack/receiver';
import { withThrowawayStack, type ThrowawayStack } from '../devstack/throwaway-stack';
import { complaintsOf } from '../devstack/verify-request';
import type { ProofResult } from './proof';
import { publishSurely } from './publish-surely';

/** Patience alone: what is stuck stays so, what is slow ends. */
const SETTLE_MS = 600_000;

/** What happens to a stack while events are published. */
export interface Fire {
  readonly events: number;
  readonly perSecond: number;
  /** Told of every accepted event, by their count so far. */
  readonly onAccepted?: (stack: ThrowawayStack, count: number) => void;
  /** Goes on beside the publishing, until `over` says that it has ended. Answers figures of its own. */
  readonly beside?: (stack: ThrowawayStack, over: () => boolean) => Promise<Record<string, string>>;
}

/**
 * Publishes events to an endpoint that answers and one that fails once, while a fire burns, and complains of every
 * accepted event that never arrived, every delivery that is stuck, every signature that does not verify, and every
 * request that the attempts table does not account for.
 */
export async function deliverUnderFire(fire: Fire): Promise<ProofResult> {
  const receiver = await startReceiver({ kept: Infinity });
  const env = { DELIVERY_SCHEDULE_SECONDS: '1,2,4,8,15,30,30', LOG_LEVEL: 'warn' };
  try {
    return await withThrowawayStack(
      env,
      () => undefined,
      async (stack) => {
        const steady = await newEndpoint(stack, `${receiver.url}/ok`, []);
        const flaky = await newEndpoint(stack, `${receiver.url}/fail/1`, ['monitor.match']);
        let over = false;
        let lastAcceptedAt = 0;
        const beside = fire.beside?.(stack, () => over);
        const accepted = await publishSurely({
          apiUrl: stack.apiUrl,
          apiKey: stack.seeded.apiKey,
          total: fire.events,
          perSecond: fire.perSecond,
          typeOf: (n) => (n % 5 === 0 ? 'monitor.match' : 'filing.published'),
          onAccepted(count) {
            lastAcceptedAt = Date.now();
            fire.onAccepted?.(stack, count);
          },
        }).finally(() => (over = true));
        const own = (await beside) ?? {};
        await settle(stack);
        const { requests } = receiver;
        const complaints = [
          ...missing(accepted, requests),
          ...requests.flatMap((request) =>
            complaintsOf(request, [request.path === '/ok' ? steady.secret : flaky.secret]),
          ),
          ...(await unexplained(stack, receiver)),
        ];
        return {
          complaints,
          figures: { ...own, ...(await figuresOf(stack, receiver, lastAcceptedAt)) },
        };
      },
    );
  } finally {
    await receiver.close();
  }
}

async function newEndpoint(
  stack: ThrowawayStack,
  destinationUrl: string,
  subscribedEventTypes: string[],
): Promise<{ id: string; secret: string }> {
  const body = { destinationUrl, subscribedEventTypes };
  const { id, signingSecret } = await stack.call<{ id: string; signingSecret: string }>(
    'POST',
    '/v1/webhook_endpoints',
    body,
  );
  return { id, secret: signingSecret };
}

/** Waits until no delivery is pending. What is still pending after ten minutes shows as stuck. */
async function settle(stack: ThrowawayStack): Promise<void> {
  const until = Date.now() + SETTLE_MS;
  while (Date.now() < until) {
    const rows = await query(
      stack,
      `SELECT count(*)::int AS pending FROM webhook_deliveries WHERE status = 'pending'`,
    ).catch(() => []);
    if (rows[0]?.['pending'] === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function missing(
  accepted: ReadonlyMap<string, string>,
  requests: readonly ReceivedRequest[],
): string[] {
  const got = new Set(requests.map(({ path, headers }) => `${path} ${headers['webhook-id']}`));
  return [...accepted].flatMap(([id, type]) => [
    ...(got.has(`/ok ${id}`) ? [] : [`${id} never arrived`]),
    ...(type !== 'monitor.match' || got.has(`/fail/1 ${id}`)
      ? []
      : [`${id} never arrived at the flaky endpoint`]),
  ]);
}

/** Deliveries that are stuck or failed, and whatever the attempts table doesn't account for. */
async function unexplained(stack: ThrowawayStack, receiver: Receiver): Promise<string[]> {
  const open = await query(
    stack,
    `SELECT id, status FROM webhook_deliveries WHERE status <> 'delivered'`,
  );
  const gaps = await query(
    stack,
    `SELECT d.id, d.attempts, count(a.id)::int AS rows, count(*) FILTER (WHERE a.ok)::int AS ok
     FROM webhook_deliveries d LEFT JOIN webhook_attempts a ON a.delivery_id = d.id
     GROUP BY d.id HAVING count(a.id) <> d.attempts OR count(*) FILTER (WHERE a.ok) <> 1`,
  );
  const rows = await query(
    stack,
    `SELECT delivery_id || ' ' || attempt AS key FROM webhook_attempts`,
  );
  const known = new Set(rows.map((row) => row['key']));
  const strangers = receiver.requests.filter(
    ({ headers }) => !known.has(`${headers['secapi-delivery-id']} ${headers['secapi-attempt']}`),
  );
  return [
    ...open.map((row) => `${String(row['id'])} is ${String(row['status'])}`),
    ...gaps.map((row) => `the attempts of a delivery do not add up: ${JSON.stringify(row)}`),
    ...strangers.map(({ headers }) => `no row for a request of ${headers['secapi-delivery-id']}`),
  ];
}

async function figuresOf(
  stack: ThrowawayStack,
  receiver: Receiver,
  lastAcceptedAt: number,
): Promise<Record<string, string>> {
  const [row] = await query(
    stack,
    `SELECT (SELECT count(*) FROM webhook_deliveries)::int AS deliveries,
       (SELECT count(*) FROM webhook_attempts WHERE error = 'outcome_unknown')::int AS unknown`,
  );
  const firstArrivals = new Map<string, number>();
  for (const { path, headers, at } of receiver.requests) {
    const key = `${path} ${headers['webhook-id']}`;
    if (!firstArrivals.has(key)) firstArrivals.set(key, at);
  }
  const again = receiver.requests.length - firstArrivals.size;
  const flaky = receiver.requests.filter(({ path }) => path === '/fail/1').length / 2;
  const last = Math.max(...firstArrivals.values());
  return {
    deliveries: String(row?.['deliveries']),
    'sent twice': String(Math.max(again - Math.ceil(flaky), 0)),
    'outcome unknown': String(row?.['unknown']),
    'last first arrival after the last event': `${(Math.max(last - lastAcceptedAt, 0) / 1_000).toFixed(1)} s`,
  };
}

async function query(stack: ThrowawayStack, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: stack.databaseUrl });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}

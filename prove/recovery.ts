import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { startReceiver, type Receiver } from '../devstack/receiver';
import { withThrowawayStack, type ThrowawayStack } from '../devstack/throwaway-stack';
import type { Proof, ProofResult } from './proof';
import { publishSurely } from './publish-surely';

const DELIVERIES = 5_000;
const PER_SECOND = 100;
/** Who is killed once so many are replayed. */
const KILLED = [
  ['worker', 1_200],
  ['temporal', 2_500],
  ['api', 3_800],
] as const;
const PATIENCE_MS = 300_000;
const POLL_MS = 100;

/** What failed at an endpoint is replayed once each, whoever dies meanwhile. */
export const recoveryProofs: readonly Proof[] = [
  {
    name: 'recovery',
    claim: `a recovery of ${DELIVERIES}, SIGKILL of ${KILLED.map(([part]) => part).join(', ')} meanwhile: ${DELIVERIES} replays, none twice, progress right at every read`,
    run: proveRecovery,
  },
];

interface Progress {
  readonly status: string;
  readonly total: number;
  readonly replayed: number;
  readonly succeeded: number;
  readonly failed: number;
}

async function proveRecovery(say: (text: string) => void): Promise<ProofResult> {
  const receiver = await startReceiver({ kept: Infinity });
  const env = {
    DELIVERY_SCHEDULE_SECONDS: '3600',
    DELIVERY_START_RATE: '1',
    DELIVERY_WORKFLOW_RATE: '0',
    LOG_LEVEL: 'warn',
  };
  try {
    return await withThrowawayStack(env, say, async (stack) => {
      const startedAt = new Date(Date.now() - 1_000);
      const endpointUrl = await failAll(stack, receiver);
      say(`${DELIVERIES} deliveries have failed`);
      const { id, total } = await stack.call<{ id: string; total: number }>(
        'POST',
        `${endpointUrl}/recover`,
        { since: startedAt.toISOString(), perSecond: PER_SECOND },
      );
      const beganAt = Date.now();
      const { complaints, reads } = await watch(stack, `${endpointUrl}/recoveries/${id}`, id, say);
      const seconds = ((Date.now() - beganAt) / 1_000).toFixed(0);
      if (total !== DELIVERIES) complaints.push(`total was ${total}, not ${DELIVERIES}`);
      complaints.push(...(await atTheEnd(stack, receiver, id)));
      const [unknown] = await query(
        stack,
        `SELECT count(*)::int AS n FROM webhook_attempts WHERE trigger = 'replay' AND error = 'outcome_unknown'`,
      );
      const figures = {
        'took (s)': seconds,
        'reads of progress': String(reads),
        'outcome unknown': String(unknown?.['n']),
        'most in a second': String(busiestSecond(receiver)),
      };
      return { complaints, figures };
    });
  } finally {
    await receiver.close();
  }
}

/** Has every delivery fail once for real, and takes the rest of its schedule for over. Answers the mended endpoint. */
async function failAll(stack: ThrowawayStack, receiver: Receiver): Promise<string> {
  const { id } = await stack.call<{ id: string }>('POST', '/v1/webhook_endpoints', {
    destinationUrl: `${receiver.url}/fail`,
    subscribedEventTypes: ['filing.published'],
  });
  await publishSurely({
    apiUrl: stack.apiUrl,
    apiKey: stack.seeded.apiKey,
    total: DELIVERIES,
    perSecond: 200,
    typeOf: () => 'filing.published',
    onAccepted: () => undefined,
  });
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await pause(POLL_MS)) {
    const [row] = await query(
      stack,
      `SELECT count(*)::int AS n FROM webhook_deliveries WHERE NOT has_workflow`,
    );
    if (row?.['n'] === 0) break;
  }
  await query(
    stack,
    `WITH over AS (UPDATE webhook_deliveries SET status = 'failed', next_at = NULL, finished_at = now()
       WHERE status = 'pending' RETURNING id)
     DELETE FROM outbox o USING over WHERE o.ref = over.id`,
  );
  const url = `/v1/webhook_endpoints/${id}`;
  await stack.call('PATCH', url, { destinationUrl: `${receiver.url}/ok` });
  return url;
}

/** Reads the progress again and again, over the API and beside the attempts, and kills what is to be killed. */
async function watch(
  stack: ThrowawayStack,
  url: string,
  id: string,
  say: (text: string) => void,
): Promise<{ complaints: string[]; reads: number }> {
  const complaints: string[] = [];
  const left = [...KILLED];
  let last = 0;
  let reads = 0;
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await pause(POLL_MS)) {
    const shown = await stack.call<Progress>('GET', url).catch(() => null);
    complaints.push(...(await besideTheAttempts(stack, id)));
    if (!shown) continue;
    reads += 1;
    const { status, total, replayed, succeeded, failed } = shown;
    if (replayed < last || succeeded + failed > replayed || replayed > total) {
      complaints.push(`after ${last} replayed the API said ${JSON.stringify(shown)}`);
    }
    last = replayed;
    const [next] = left;
    if (next && replayed >= next[1]) {
      left.shift();
      say(`SIGKILL of ${next[0]} at ${replayed} of ${total}`);
      process.kill(stack.pids()[next[0]] ?? 0, 'SIGKILL');
    }
    if (status === 'done') return { complaints, reads };
  }
  return { complaints: [...complaints, `not done after ${PATIENCE_MS / 1_000} s`], reads };
}

async function besideTheAttempts(stack: ThrowawayStack, id: string): Promise<string[]> {
  const rows = await query(
    stack,
    `SELECT succeeded, failed, (SELECT count(*) FROM webhook_attempts WHERE trigger = 'replay' AND ok)::int AS ok,
       (SELECT count(*) FROM webhook_attempts WHERE trigger = 'replay' AND NOT ok)::int AS not_ok
     FROM webhook_recoveries WHERE id = '${id}'`,
  );
  return rows
    .filter((row) => row['ok'] !== row['succeeded'] || row['not_ok'] !== row['failed'])
    .map((row) => `the row and the attempts differ: ${JSON.stringify(row)}`);
}

async function atTheEnd(stack: ThrowawayStack, receiver: Receiver, id: string): Promise<string[]> {
  const [row] = await query(
    stack,
    `SELECT v.status, v.total, v.replayed, v.succeeded + v.failed AS ended, count(a.id)::int AS attempts,
       count(DISTINCT a.delivery_id)::int AS deliveries,
       (SELECT count(*) FROM webhook_deliveries WHERE status = 'delivered')::int - v.succeeded AS astray
     FROM webhook_recoveries v LEFT JOIN webhook_attempts a ON a.trigger = 'replay'
     WHERE v.id = '${id}' GROUP BY v.id`,
  );
  const wanted = { status: 'done', astray: 0 } as Record<string, unknown>;
  for (const what of ['total', 'replayed', 'ended', 'attempts', 'deliveries']) {
    wanted[what] = DELIVERIES;
  }
  const complaints = Object.entries(wanted)
    .filter(([what, value]) => row?.[what] !== value)
    .map(([what, value]) => `${what}: ${String(row?.[what])}, not ${String(value)}`);
  const arrived = replaysAt(receiver).map(({ headers }) => headers['webhook-id']);
  const twice = arrived.length - new Set(arrived).size;
  return twice === 0 ? complaints : [...complaints, `${twice} events arrived twice`];
}

const replaysAt = ({ requests }: Receiver) => requests.filter(({ path }) => path === '/ok');

function busiestSecond(receiver: Receiver): number {
  const times = replaysAt(receiver).map(({ at }) => at);
  let most = 0;
  for (let first = 0, last = 0; last < times.length; last++) {
    while ((times[last] ?? 0) - (times[first] ?? 0) >= 1_000) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

async function query(stack: ThrowawayStack, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: stack.databaseUrl });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

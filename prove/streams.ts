import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { withThrowawayStack, type ThrowawayStack } from '../devstack/throwaway-stack';
import type { Proof, ProofResult } from './proof';
import { publishSurely } from './publish-surely';
import { listenAlong, pollAlong, type Reader } from './stream-readers';
import { writeConcurrently, type Written } from './stream-writers';

const WRITERS = 20;
const SECONDS = 30;
const OVER_HTTP_A_SECOND = 20;
const KILL_EVERY_MS = 5_000;
const CATCH_UP_MS = 60_000;

/** Streams miss nothing and repeat nothing, whoever commits late and whatever becomes of the API. */
export const streamProofs: readonly Proof[] = [
  {
    name: 'streams',
    claim: `${WRITERS} writers with transactions of random length for ${SECONDS} s: poll and WebSockets see every record once, in one order`,
    run: (say) => readAlong(false, say),
  },
  {
    name: 'streams-killed',
    claim: `the same while the API is killed every ${KILL_EVERY_MS / 1_000} s`,
    run: (say) => readAlong(true, say),
  },
];

function readAlong(killing: boolean, say: (text: string) => void): Promise<ProofResult> {
  const env = { DELIVERY_WORKFLOW_RATE: '0', LOG_LEVEL: 'warn' };
  return withThrowawayStack(env, say, async (stack) => {
    const { apiUrl, databaseUrl } = stack;
    const { apiKey, orgId } = stack.seeded;
    await liftLimit(stack);
    const { id: streamId } = await stack.call<{ id: string }>('POST', '/v1/stream_subscriptions', {
      eventTypes: ['filing.published'],
    });
    const place = { apiUrl, apiKey };
    const readers = {
      poll: pollAlong(place, streamId),
      'stream socket': listenAlong(place, { streamId }),
      'events socket': listenAlong(place, { types: 'filing.published' }),
    };
    await Promise.all(Object.values(readers).map(({ ready }) => ready));
    const killer = killing ? killAgainAndAgain(stack) : null;
    const [written, published] = await Promise.all([
      writeConcurrently({ databaseUrl, orgId, writers: WRITERS, forMs: SECONDS * 1_000 }),
      publishSurely({
        ...place,
        total: SECONDS * OVER_HTTP_A_SECOND,
        perSecond: OVER_HTTP_A_SECOND,
        typeOf: () => 'filing.published',
        onAccepted: () => undefined,
      }),
    ]);
    const kills = killer?.stop() ?? 0;
    const [ofStream, ofEvents] = [
      await idsOf(databaseUrl, 'stream_events', 'stream_id', streamId),
      await idsOf(databaseUrl, 'events', 'org_id', orgId),
    ];
    await caughtUp(Object.values(readers), ofStream.length);
    for (const reader of Object.values(readers)) await reader.stop();
    const expected = written.committed + published.size;
    return {
      complaints: [
        ...(ofStream.length === expected
          ? []
          : [`${ofStream.length} records of ${expected} events`]),
        ...compare('poll', readers.poll, ofStream),
        ...compare('stream socket', readers['stream socket'], ofStream),
        ...compare('events socket', readers['events socket'], ofEvents),
      ],
      figures: figuresOf(written, published.size, readers, kills),
    };
  });
}

/** A poller at full speed asks more often than a plan allows. */
async function liftLimit({ apiUrl, seeded }: ThrowawayStack): Promise<void> {
  const answer = await fetch(`${apiUrl}/v1/admin/orgs/${seeded.orgId}/limits`, {
    method: 'PUT',
    headers: { 'x-api-key': seeded.operatorKey, 'content-type': 'application/json' },
    body: JSON.stringify({ requestsPerMinute: 1_000_000 }),
  });
  if (!answer.ok) throw new Error(`the limit was not lifted: ${answer.status}`);
}

function killAgainAndAgain(stack: ThrowawayStack): { stop(): number } {
  let kills = 0;
  const timer = setInterval(() => {
    const pid = stack.pids()['api'];
    if (pid === undefined) return;
    try {
      process.kill(pid, 'SIGKILL');
      kills += 1;
    } catch {
      // It is not up again yet.
    }
  }, KILL_EVERY_MS);
  return {
    stop() {
      clearInterval(timer);
      return kills;
    },
  };
}

async function idsOf(
  databaseUrl: string,
  table: 'events' | 'stream_events',
  owner: 'org_id' | 'stream_id',
  id: string,
): Promise<string[]> {
  const type = table === 'events' ? 'type' : 'event_type';
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ id: string }>(
    `SELECT id FROM ${table} WHERE ${owner} = $1 AND ${type} = 'filing.published' ORDER BY xid, id`,
    [id],
  );
  await client.end();
  return rows.map((row) => row.id);
}

async function caughtUp(readers: readonly Reader[], count: number): Promise<void> {
  const until = Date.now() + CATCH_UP_MS;
  while (readers.some(({ seen }) => seen.length < count) && Date.now() < until) await pause(50);
  // What is seen twice comes after what was expected.
  await pause(1_000);
}

function compare(name: string, { seen }: Reader, expected: readonly string[]): string[] {
  const once = new Set(seen);
  const missing = expected.filter((id) => !once.has(id));
  const committed = new Set(expected);
  const strange = [...once].filter((id) => !committed.has(id));
  const complaints = [
    ...missing.map((id) => `${name} never saw ${id}`),
    ...strange.map((id) => `${name} saw ${id}, which nobody committed`),
  ];
  if (once.size !== seen.length) complaints.push(`${name} saw ${seen.length - once.size} twice`);
  if (complaints.length > 0) return complaints;
  const astray = seen.findIndex((id, i) => id !== expected[i]);
  return astray < 0 ? [] : [`${name} saw ${seen[astray]} out of order, as number ${astray}`];
}

function figuresOf(
  written: Written,
  published: number,
  readers: Readonly<Record<string, Reader>>,
  kills: number,
): Record<string, string> {
  return {
    records: String(written.committed + published),
    'over HTTP': String(published),
    'held open up to 2 s': String(written.heldOpen),
    'rolled back': String(written.rolledBack),
    ...Object.fromEntries(
      Object.entries(readers).map(([name, { seen, turns }]) => [
        name,
        `${seen.length} in ${turns} ${name === 'poll' ? 'polls' : 'connections'}`,
      ]),
    ),
    ...(kills > 0 ? { kills: String(kills) } : {}),
  };
}

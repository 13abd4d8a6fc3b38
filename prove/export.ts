import { readFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { Client } from 'pg';
import { withThrowawayStack, type ThrowawayStack } from '../devstack/throwaway-stack';
import type { Proof, ProofResult } from './proof';

const RECORDS = 1_000_000;
const CHUNK = 50_000;
/** Where the connection is broken, in records. */
const BROKEN_AT = [250_000, 600_000];
const MOST_MIB = 200;
const MOST_FIRST_BYTE_MS = 300;

/** A million records out of the log in one go: small, at once, and whole over broken connections. */
export const exportProofs: readonly Proof[] = [
  {
    name: 'export',
    claim: `export of ${RECORDS.toLocaleString('en')} records: the API stays under ${MOST_MIB} MiB above idle, first byte under ${MOST_FIRST_BYTE_MS} ms, broken off twice and resumed without a gap or a repeat`,
    run: (say) =>
      withThrowawayStack({ LOG_LEVEL: 'warn' }, say, (stack) => proveExport(stack, say)),
  },
];

async function proveExport(
  stack: ThrowawayStack,
  say: (text: string) => void,
): Promise<ProofResult> {
  say('filling the log');
  await fill(stack);
  await visible(stack);
  const api = stack.pids()['api'] ?? 0;
  const idle = residentMib(api);
  let peak = idle;
  const sampling = setInterval(() => (peak = Math.max(peak, residentMib(api))), 50);
  say('exporting');
  const startedAt = performance.now();
  const complaints: string[] = [];
  const firstByteMs: number[] = [];
  let next = 1;
  let cursor = '';
  try {
    for (const until of [...BROKEN_AT, Infinity]) {
      const part = await read(stack, cursor, until, next);
      complaints.push(...part.complaints);
      firstByteMs.push(part.firstByteMs);
      ({ cursor, next } = part);
    }
  } finally {
    clearInterval(sampling);
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  if (next !== RECORDS + 1) complaints.push(`${next - 1} of ${RECORDS} records came`);
  const above = peak - idle;
  if (above >= MOST_MIB) complaints.push(`the API grew by ${above.toFixed(0)} MiB`);
  const slowest = Math.max(...firstByteMs);
  if (slowest >= MOST_FIRST_BYTE_MS) complaints.push(`a first byte took ${slowest.toFixed(0)} ms`);
  return {
    complaints,
    figures: {
      'above idle': `${above.toFixed(0)} MiB (idle ${idle.toFixed(0)})`,
      'first byte': firstByteMs.map((ms) => `${ms.toFixed(0)} ms`).join(', '),
      'records a second': (RECORDS / seconds).toFixed(0),
    },
  };
}

/** Numbered events of the last days, with ids and commits in the order of their numbers. */
async function fill({ databaseUrl, seeded }: ThrowawayStack): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query('DELETE FROM events WHERE org_id = $1', [seeded.orgId]);
  for (let from = 1; from <= RECORDS; from += CHUNK) {
    await client.query(
      `INSERT INTO events (id, org_id, livemode, type, body, data_start, request_id, occurred_at, created_at)
       SELECT 'evt_' || lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || lpad(to_hex(n), 20, '0'), $1,
         true, 'filing.published', '{"data":{"n":' || n || ',"pad":"' || repeat(md5(n::text), 6) || '"}}', 8,
         'req_' || md5(n::text), at, at
       FROM (SELECT n, now() - interval '2 days' + n * interval '0.1 s' AS at
             FROM generate_series($2::int, $3::int) n) made`,
      [seeded.orgId, from, from + CHUNK - 1],
    );
  }
  await client.query('VACUUM ANALYZE events');
  await client.end();
}

/** Waits until nothing holds the last record back. */
async function visible(stack: ThrowawayStack): Promise<void> {
  const client = new Client({ connectionString: stack.databaseUrl });
  await client.connect();
  for (;;) {
    const { rows } = await client.query<{ all: boolean }>(
      'SELECT max(xid) < pg_snapshot_xmin(pg_current_snapshot()) AS all FROM events',
    );
    if (rows[0]?.all) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await client.end();
  for (let i = 0; i < 20; i++) await stack.call('GET', '/v1/events/export?limit=100');
}

interface Part {
  readonly complaints: string[];
  readonly firstByteMs: number;
  /** Where to go on, and the number that must come next. */
  readonly cursor: string;
  readonly next: number;
}

/** Reads lines from a cursor on, and breaks the connection once the number `until` has come. */
async function read(
  stack: ThrowawayStack,
  cursor: string,
  until: number,
  next: number,
): Promise<Part> {
  const askedAt = performance.now();
  const query = `format=ndjson&kind=event${cursor === '' ? '' : `&cursor=${cursor}`}`;
  const answer = await open(`${stack.apiUrl}/v1/events/export?${query}`, stack.seeded.apiKey);
  const complaints: string[] = [];
  let firstByteMs = 0;
  let rest = '';
  for await (const chunk of answer.setEncoding('utf8') as AsyncIterable<string>) {
    firstByteMs ||= performance.now() - askedAt;
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const record = JSON.parse(line) as { data: { n: number }; exportCursor: string };
      if (record.data.n !== next) complaints.push(`after ${next - 1} came ${record.data.n}`);
      next = record.data.n + 1;
      cursor = record.exportCursor;
    }
    if (next > until) break;
  }
  answer.destroy();
  return { complaints: complaints.slice(0, 20), firstByteMs, cursor, next };
}

function open(url: string, apiKey: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { 'x-api-key': apiKey } }, (answer) => {
      if (answer.statusCode === 200) resolve(answer);
      else reject(new Error(`the export was answered ${answer.statusCode}`));
    }).on('error', reject);
  });
}

function residentMib(pid: number): number {
  const found = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(found?.[1] ?? 0) / 1_024;
}

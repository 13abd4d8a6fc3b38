import { existsSync, readdirSync, statSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { join } from 'node:path';
import { Client } from 'pg';
import { withThrowawayStack, type ThrowawayStack } from '../devstack/throwaway-stack';
import type { Proof, ProofResult } from './proof';

const EVENTS = 200_000;
const KILLED_AT = [0.25, 0.6];
const PATIENCE_MS = 300_000;

/** A large file is whole or not there, whatever becomes of the worker that writes it. */
export const artifactProofs: readonly Proof[] = [
  {
    name: 'artifacts',
    claim: `${EVENTS} events into one file, SIGKILL of the worker twice: complete, every record once, never a half file`,
    run: proveArtifact,
  },
];

interface Shown {
  readonly id: string;
  readonly status: string;
  readonly error: string | null;
  readonly downloadUrl: string;
  readonly progress: { readonly records: number; readonly totalRecords: number | null };
}

function proveArtifact(say: (text: string) => void): Promise<ProofResult> {
  return withThrowawayStack({ LOG_LEVEL: 'warn' }, say, async (stack) => {
    const complaints: string[] = [];
    await storeEvents(stack);
    const startedAt = Date.now();
    const asked = await stack.call<Shown>('POST', '/v1/artifacts', { kind: 'json_bundle' });
    const path = `/v1/artifacts/${asked.id}`;
    const final = join(stack.folder, 'artifacts', stack.seeded.orgId, `${asked.id}.json`);
    const killedAt: number[] = [];
    const fellBackTo: number[] = [];
    const sizes = new Set<number>();
    let last = 0;
    let shown = asked;
    while (shown.status === 'pending' && Date.now() - startedAt < PATIENCE_MS) {
      if (existsSync(final)) sizes.add(statSync(final).size);
      shown = await stack.call<Shown>('GET', path);
      const { records } = shown.progress;
      if (records < last) fellBackTo.push(records);
      last = records;
      const next = KILLED_AT[killedAt.length];
      if (next !== undefined && records >= EVENTS * next && shown.status === 'pending') {
        say(`SIGKILL of the worker after ${records} records`);
        killedAt.push(records);
        process.kill(stack.pids()['worker'] ?? 0, 'SIGKILL');
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const seconds = (Date.now() - startedAt) / 1_000;
    if (shown.status !== 'ready') complaints.push(`it is ${shown.status}: ${shown.error ?? ''}`);
    if (killedAt.length < KILLED_AT.length) complaints.push('it was done before it was killed');

    const manifest = await stack.call<{ byteLength: number; checksumSha256: string }>(
      'GET',
      `${path}/manifest`,
    );
    const half = [...sizes].filter((size) => size !== manifest.byteLength);
    if (half.length > 0) complaints.push(`a half file was seen: ${half.join(', ')} bytes`);
    const file = await readBack(shown.downloadUrl);
    if (file.sha256 !== manifest.checksumSha256) complaints.push('the checksum is wrong');
    if (file.bytes !== manifest.byteLength) complaints.push('the size is wrong');
    const missing = await numberOf(
      stack,
      `SELECT count(*)::int AS n FROM events WHERE type = 'filing.published' AND id <> ALL ($1)`,
      [[...file.ids]],
    );
    if (missing > 0) complaints.push(`${missing} records are missing`);
    if (file.records !== file.ids.size) complaints.push(`${file.records - file.ids.size} twice`);
    const left = readdirSync(join(stack.folder, 'artifacts', '.work'));
    if (left.length > 0) complaints.push(`left behind: ${left.join(', ')}`);
    const charges = await numberOf(stack, `SELECT count(*)::int AS n FROM charges`, []);
    if (charges !== 1) complaints.push(`${charges} charges, not one`);
    return {
      complaints,
      figures: {
        records: String(file.records),
        MiB: (manifest.byteLength / 2 ** 20).toFixed(0),
        'killed after': killedAt.join(', '),
        'went on from': fellBackTo.join(', ') || 'where it was',
        'asked to ready': `${seconds.toFixed(1)} s`,
      },
    };
  });
}

/** Reads the whole file as a customer would, a line at a time. */
async function readBack(url: string) {
  const response = await fetch(url);
  const hash = createHash('sha256');
  let bytes = 0;
  const ids = new Set<string>();
  let records = 0;
  const body = Readable.fromWeb(response.body as never);
  body.on('data', (chunk: Buffer) => {
    hash.update(chunk);
    bytes += chunk.length;
  });
  for await (const line of createInterface({ input: body, crlfDelay: Infinity })) {
    if (!line.startsWith('{"kind"')) continue;
    const record = JSON.parse(line.replace(/,$/, '')) as { id: string };
    ids.add(record.id);
    records += 1;
  }
  return { ids, records, bytes, sha256: hash.digest('hex') };
}

async function storeEvents(stack: ThrowawayStack): Promise<void> {
  const client = new Client({ connectionString: stack.databaseUrl });
  await client.connect();
  await client.query(
    `INSERT INTO events (id, org_id, livemode, type, body, data_start, request_id, occurred_at, created_at)
     SELECT 'evt_' || replace(uuidv7()::text, '-', ''), $1, true, 'filing.published',
       '{"object":"event","data":{"form":"10-K","n":' || n || ',"text":"' || repeat('x', 200) || '"}}',
       length('{"object":"event","data":'), 'req_made', now(), now()
     FROM generate_series(1, ${EVENTS}) n`,
    [stack.seeded.orgId],
  );
  await client.query('ANALYZE events');
  await client.end();
}

async function numberOf(stack: ThrowawayStack, text: string, values: unknown[]): Promise<number> {
  const client = new Client({ connectionString: stack.databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ n: number }>(text, values);
  await client.end();
  return rows[0]?.n ?? 0;
}

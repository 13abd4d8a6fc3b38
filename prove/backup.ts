import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { freePort } from '../devstack/ports';
import { postgresDataDir } from '../devstack/postgres';
import { startReceiver, type Receiver } from '../devstack/receiver';
import { withFolder, withStackOn, type ThrowawayStack } from '../devstack/throwaway-stack';
import { settleRestored } from '../entities/after-restore';
import { createDataSource } from '../entities/data-source';
import { newSecretsKey } from '../platform/config';
import { queryOnce, withConnection } from './database';
import type { Proof, ProofResult } from './proof';
import { settled } from './settled';

const WAITING = 200;
const AUDITED = 30;
const SETTLE_MS = 120_000;
/** Every few seconds for minutes: however slow the machine is, they wait when the copy is made and are tried after it. */
const OFTEN = Array.from({ length: 100 }, () => 5).join(',');

export const backupProofs: readonly Proof[] = [
  {
    name: 'backup',
    runs: 'beside',
    claim: `a backup of a running stack, restored into an empty one: keys work, ${WAITING} waiting deliveries end, the audit chain verifies`,
    run: backup,
  },
];

async function backup(say: (text: string) => void): Promise<ProofResult> {
  const secretsKey = newSecretsKey();
  const port = await freePort();
  return withFolder((first) =>
    withFolder(async (second) => {
      chmodSync(second, 0o755);
      const env = { DELIVERY_SCHEDULE_SECONDS: OFTEN, LOG_LEVEL: 'warn' };
      const kept = await withStackOn({ folder: first, env, secretsKey }, say, async (stack) => {
        const facts = await fill(stack, `http://127.0.0.1:${port}/ok`);
        say('copying the running database');
        await copyRunning(stack.databaseUrl, postgresDataDir(first), postgresDataDir(second));
        return { ...facts, seeded: stack.seeded };
      });
      say('starting an empty stack over the copy');
      const receiver = await startReceiver({ port, kept: Infinity });
      try {
        const { seeded } = kept;
        return await withStackOn({ folder: second, env, secretsKey, seeded }, say, (stack) =>
          look(stack, receiver, kept),
        );
      } finally {
        await receiver.close();
      }
    }),
  );
}

interface Filled {
  readonly key: string;
  readonly eventIds: readonly string[];
  readonly auditRecords: number;
}

/** Deliveries that wait, since nobody listens yet; changes that were audited; a key that was made by API. */
async function fill(stack: ThrowawayStack, destinationUrl: string): Promise<Filled> {
  const { secret } = await stack.call<{ secret: string }>('POST', '/v1/api_keys', {
    label: 'in the backup',
    livemode: true,
  });
  await stack.call('POST', '/v1/webhook_endpoints', { destinationUrl });
  for (let n = 1; n < AUDITED; n++) {
    await stack.call('PUT', '/v1/billing/budget', { spendCapCents: 1_000_000 + n });
  }
  const eventIds: string[] = [];
  for (let n = 0; n < WAITING; n++) {
    const body = { type: 'filing.published', data: { n } };
    eventIds.push((await stack.call<{ id: string }>('POST', '/v1/events', body)).id);
  }
  const waiting = `SELECT count(*)::int AS n FROM webhook_deliveries WHERE status = 'pending' AND has_workflow AND event_id = ANY ($1)`;
  const allWait = await settled(async () => {
    const [row] = await queryOnce<{ n: number }>(stack.databaseUrl, waiting, [eventIds]);
    return row?.n === WAITING;
  }, SETTLE_MS);
  if (!allWait) throw new Error('the deliveries did not come to wait');
  const { records } = await stack.call<{ records: number }>('GET', '/v1/audit/verify');
  return { key: secret, eventIds, auditRecords: records };
}

/** A base backup by Postgres' low-level calls: while it runs, its files are copied, then the WAL that makes them whole. */
async function copyRunning(databaseUrl: string, from: string, to: string): Promise<void> {
  mkdirSync(dirname(to), { recursive: true });
  chmodSync(dirname(to), 0o755);
  await withConnection(databaseUrl, async (client) => {
    await client.query(`SELECT pg_backup_start('proof', true)`);
    copy(from, to);
    const { rows } = await client.query<{ labelfile: string }>(
      `SELECT labelfile FROM pg_backup_stop(false)`,
    );
    rmSync(join(to, 'pg_wal'), { recursive: true, force: true });
    copy(join(from, 'pg_wal'), join(to, 'pg_wal'));
    const label = join(to, 'backup_label');
    writeFileSync(label, rows[0]?.labelfile ?? '');
    spawnSync('chown', [`--reference=${from}`, label]);
    rmSync(join(to, 'postmaster.pid'), { force: true });
  });
}

/** Files may vanish while they are copied; the WAL makes up for it. */
function copy(from: string, to: string): void {
  const { status } = spawnSync('cp', ['-a', from, to], { stdio: 'ignore' });
  if (status === null || status > 1 || !existsSync(to)) throw new Error(`${from} was not copied`);
}

async function look(stack: ThrowawayStack, receiver: Receiver, kept: Filled): Promise<ProofResult> {
  const complaints: string[] = [];
  const startedAt = Date.now();
  const db = createDataSource({ url: stack.databaseUrl, poolSize: 1, applicationName: 'proof' });
  await db.initialize();
  const asked = await settleRestored(db, new Date()).finally(() => db.destroy());
  for (const [name, key] of [
    ['the seeded key', stack.seeded.apiKey],
    ['the key made by API', kept.key],
  ] as const) {
    const answer = await fetch(`${stack.apiUrl}/v1/me`, { headers: { 'x-api-key': key } });
    if (!answer.ok) complaints.push(`${name} answers ${answer.status}`);
  }
  const open = `SELECT count(*)::int AS n FROM webhook_deliveries WHERE status <> 'delivered' AND event_id = ANY ($1)`;
  const ended = await settled(async () => {
    const rows = await queryOnce<{ n: number }>(stack.databaseUrl, open, [kept.eventIds]);
    return rows[0]?.n === 0;
  }, SETTLE_MS);
  if (!ended) complaints.push('deliveries that waited in the backup still wait');
  const arrived = new Set(receiver.requests.map(({ headers }) => headers['webhook-id']));
  const lost = kept.eventIds.filter((id) => !arrived.has(id));
  complaints.push(...lost.map((id) => `${id} did not arrive after the restore`));
  const chain = await stack.call<{ ok: boolean; records: number }>('GET', '/v1/audit/verify');
  if (!chain.ok) complaints.push('the audit chain is broken');
  if (chain.records < kept.auditRecords)
    complaints.push(`${kept.auditRecords - chain.records} audit records are missing`);
  const fresh = await stack.call<{ id: string }>('POST', '/v1/events', {
    type: 'filing.published',
    data: {},
  });
  const goesOn = await settled(
    async () => receiver.requests.some(({ headers }) => headers['webhook-id'] === fresh.id),
    SETTLE_MS,
  );
  if (!goesOn) complaints.push('a new event does not arrive');
  const [size] = await queryOnce<{ bytes: number }>(
    stack.databaseUrl,
    `SELECT (pg_total_relation_size('webhook_deliveries') + pg_total_relation_size('webhook_attempts'))::float8
       / (SELECT count(*) FROM webhook_deliveries) AS bytes`,
  );
  return {
    complaints,
    figures: {
      'waited and ended': String(kept.eventIds.length - lost.length),
      'asked for anew': String(asked['webhook_deliveries asked for anew']),
      'audit records': String(chain.records),
      'all ended after': `${((Date.now() - startedAt) / 1_000).toFixed(0)} s`,
      'bytes a delivery, with its failed attempts': String(Math.round(size?.bytes ?? 0)),
    },
  };
}

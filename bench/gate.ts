import { Client } from 'pg';
import type { ThrowawayStack } from '../devstack/throwaway-stack';
import { withThrowawayStack } from '../devstack/throwaway-stack';
import { cpuMs } from './cpu';
import { loadAtRate, loadBurst, type Load, type LoadResult } from './loader';
import { percentile } from './table';

type Row = Record<string, string>;

const MANY = 200;
const CONNECTIONS = 32;
const BURST = 10_000;
const HISTORY = 2_000_000;

/** Authorize: latency and rate for one hot organization and for 200, and with two million charges in the table. */
export function benchGate(seconds: number, say: (text: string) => void): Promise<Row[]> {
  const env = { DELIVERY_WORKFLOW_RATE: '0', LOG_LEVEL: 'warn' };
  return withThrowawayStack(env, say, async (stack) => {
    const keys = [stack.seeded.apiKey, ...(await newOrganizations(stack, MANY - 1))];
    const rows: Row[] = [];
    const line = async (what: string, run: (load: Load) => Promise<LoadResult>, many: boolean) => {
      say(`the gate: ${what}`);
      rows.push(
        await measure(stack, what, () =>
          run(authorizing(stack.apiUrl, many ? keys : keys.slice(0, 1))),
        ),
      );
    };
    await loadAtRate(authorizing(stack.apiUrl, keys), 100, 4);
    for (const rate of [100, 500, 1_000]) {
      await line(`one organization, ${rate}/s`, (load) => loadAtRate(load, rate, seconds), false);
    }
    await line(
      'one organization, as fast as 32 go',
      (load) => loadBurst(load, BURST, CONNECTIONS),
      false,
    );
    await line(`${MANY} organizations, 500/s`, (load) => loadAtRate(load, 500, seconds), true);
    await line(
      `${MANY} organizations, as fast as 32 go`,
      (load) => loadBurst(load, BURST, CONNECTIONS),
      true,
    );
    say('the gate: two million charges more');
    await fillHistory(stack);
    await line(
      'one organization, 500/s, 2 million charges',
      (load) => loadAtRate(load, 500, seconds),
      false,
    );
    return rows;
  });
}

let sent = 0;

function authorizing(apiUrl: string, keys: readonly string[]): Load {
  return {
    apiUrl,
    method: 'POST',
    path: '/v1/usage/authorize',
    accepts: 200,
    request: (n) => ({
      apiKey: keys[n % keys.length] ?? '',
      body: { meterClass: 'standard_read', idempotencyKey: `bench-${sent++}` },
    }),
  };
}

async function newOrganizations(stack: ThrowawayStack, count: number): Promise<string[]> {
  const keys: string[] = [];
  for (let i = 0; i < count; i++) {
    const answer = await fetch(`${stack.apiUrl}/v1/admin/orgs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': stack.seeded.operatorKey },
      body: JSON.stringify({ name: `bench ${i}`, planKey: 'team' }),
    });
    keys.push(((await answer.json()) as { apiKey: { secret: string } }).apiKey.secret);
  }
  return keys;
}

/** Charges of long ago, so that the table is as large as after a year. */
async function fillHistory({ databaseUrl, seeded }: ThrowawayStack): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query(
    `INSERT INTO charges (id, org_id, livemode, key, period, meter_class, family, units, unit_micros, amount_micros,
       by_grant, by_quota, status, plan_key, rate_card, request_id, principal_id, created_at, settled_at)
     SELECT 'chg_old' || n, $1, true, 'old-' || n, '2025-01', 'standard_read', 'standard_reads', 1, 800, 800, false,
       false, 'charged', 'team', 'old', 'req_old' || n, 'key_old', '2025-01-01', '2025-01-01'
     FROM generate_series(1, ${HISTORY}) n`,
    [seeded.orgId],
  );
  await client.query('VACUUM ANALYZE charges');
  await client.end();
}

async function measure(
  stack: ThrowawayStack,
  what: string,
  run: () => Promise<LoadResult>,
): Promise<Row> {
  const parts = ['api', 'postgres'];
  const pids = stack.pids();
  const before = parts.map((part) => cpuMs(pids[part] ?? 0));
  const { acceptMs, accepted, refused, seconds } = await run();
  const cpu = parts.map((part, i) => (cpuMs(pids[part] ?? 0) - (before[i] ?? 0)) / accepted);
  return {
    what,
    p50: percentile(acceptMs, 0.5),
    p95: percentile(acceptMs, 0.95),
    p99: percentile(acceptMs, 0.99),
    'a second': (accepted / seconds).toFixed(0),
    'CPU-ms each (api, pg)': cpu.map((ms) => ms.toFixed(2)).join(', '),
    refused: String(refused),
  };
}

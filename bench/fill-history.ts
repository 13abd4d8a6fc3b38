import { Client } from 'pg';

const CHUNK = 50_000;
/** Of a thousand deliveries: how many failed, of them how many silently, were cancelled, wait. */
const FAILED = 10;
const CANCELLED = 2;
const WAITING = 1;

/** What the bench asks for by name. */
export interface History {
  readonly endpointId: string;
  readonly requestId: string;
  readonly rareType: string;
}

/**
 * Gives an organization a history of the last 30 days, from delivery `from` to `to`: an event, a delivery and an attempt
 * each, with a request record; some failed, some cancelled, some waiting. Ids and commits are in the order of time.
 */
export async function fillHistory(
  databaseUrl: string,
  orgId: string,
  from: number,
  to: number,
  of: number,
): Promise<History> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  const endpointId = `whe_${'0'.repeat(31)}1`;
  await client.query(
    `INSERT INTO webhook_endpoints (id, org_id, livemode, destination_url, status, secret_sealed, created_at, updated_at)
     SELECT 'whe_' || lpad(n::text, 32, '0'), $1, true, 'http://127.0.0.1:1/' || n, 'disabled', '',
       now() - interval '31 days', now() FROM generate_series(1, 5) n ON CONFLICT DO NOTHING`,
    [orgId],
  );
  for (let start = from; start <= to; start += CHUNK) {
    const values = [orgId, start, Math.min(start + CHUNK - 1, to), of];
    for (const text of [EVENTS, DELIVERIES, ATTEMPTS, REQUESTS]) await client.query(text, values);
  }
  const tables = 'events, webhook_deliveries, webhook_attempts, request_records';
  await client.query(`VACUUM ANALYZE ${tables}`);
  await folded(client);
  await client.query(`VACUUM ANALYZE attempt_rollups, delivery_rollups, webhook_deliveries`);
  await client.end();
  return { endpointId, requestId: `req_bench_${from + 7}`, rareType: 'enforcement.published' };
}

const ID = (prefix: string): string =>
  `'${prefix}_' || lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || lpad(to_hex(n), 20, '0')`;
const TYPE = `CASE WHEN n % 5000 = 7 THEN 'enforcement.published' WHEN n % 3 = 0 THEN 'monitor.match'
  ELSE 'filing.published' END`;
const ENDPOINT = `'whe_' || lpad((1 + n % 5)::text, 32, '0')`;
const STATUS = `CASE WHEN n % 1000 < ${FAILED} THEN 'failed' WHEN n % 1000 < ${FAILED + CANCELLED} THEN 'cancelled'
  WHEN n % 1000 < ${FAILED + CANCELLED + WAITING} THEN 'pending' ELSE 'delivered' END`;
const MADE = `(SELECT n, now() - interval '30 days' + n * (interval '30 days' / $4::float8) AS at
  FROM generate_series($2::int, $3::int) n) made`;

const EVENTS = `INSERT INTO events (id, org_id, livemode, type, body, data_start, request_id, occurred_at, created_at)
  SELECT ${ID('evt')}, $1, true, ${TYPE}, '{"data":{"n":' || n || '}}', 8, 'req_bench_' || n, at, at FROM ${MADE}`;
const DELIVERIES = `INSERT INTO webhook_deliveries (id, org_id, livemode, endpoint_id, event_id, event_type, request_id,
    status, step, attempts, schedule, next_at, has_workflow, window_ends_at, created_at, finished_at)
  SELECT ${ID('wd')}, $1, true, ${ENDPOINT}, ${ID('evt')}, ${TYPE}, 'req_bench_' || n, ${STATUS}, 1, 1, '{}',
    CASE WHEN ${STATUS} = 'pending' THEN now() + interval '1 day' END, true, now() + interval '3 days', at,
    CASE WHEN ${STATUS} <> 'pending' THEN at + interval '20 ms' END FROM ${MADE}`;
const ATTEMPTS = `INSERT INTO webhook_attempts (id, delivery_id, org_id, livemode, endpoint_id, event_id, event_type,
    request_id, attempt, trigger, destination_url, http_status, ok, latency_ms, created_at, ended_at)
  SELECT ${ID('wdel')}, ${ID('wd')}, $1, true, ${ENDPOINT}, ${ID('evt')}, ${TYPE}, 'req_bench_' || n, 1, 'schedule',
    'http://127.0.0.1:1/', CASE WHEN ${STATUS} = 'delivered' THEN 200 WHEN n % 2 = 0 THEN 503 END,
    ${STATUS} = 'delivered', 5 + n % 90, at + interval '2 ms', at + interval '20 ms' FROM ${MADE}`;
const REQUESTS = `INSERT INTO request_records (recorded_at, request_id, org_id, livemode, principal_id, auth_mode,
    meter_class, method, path, status, latency_ms)
  SELECT at, 'req_bench_' || n, $1, true, 'key_bench', 'api_key', 'control_plane', 'POST', '/v1/events', 202, 4
  FROM ${MADE} WHERE $4::int > 0`;

/** Waits until the worker has folded everything. */
async function folded(client: Client): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ done: boolean }>(
      `SELECT NOT EXISTS (SELECT FROM webhook_attempts WHERE xid >= (SELECT xid FROM rollup_marks)) AS done`,
    );
    if (rows[0]?.done) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

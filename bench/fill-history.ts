import { Client } from 'pg';
import { ofEverybody } from '../entities/fold-rollup';

/** Commits that a history is made in: one about every 20 minutes of it. */
const COMMITS = 2_000;
const STREAMS = 4;
/** Of a thousand deliveries: how many failed, were cancelled, wait (of the last 3 days alone: then it is over). */
const FAILED = 10;
const CANCELLED = 2;
const WAITING = 1;

/** What the bench asks for by name. */
export interface History {
  readonly endpointId: string;
  readonly streamId: string;
  /** A cursor of the stream, a thousand records before its end. */
  readonly nearEnd: string;
  readonly requestId: string;
  readonly rareType: string;
}

const LOGGED = 'events, webhook_deliveries, webhook_attempts, stream_events, request_records';
const COUNTED = 'attempt_rollups, delivery_rollups, stream_rollups';

/**
 * Gives an organization a history of the last 30 days in place of all there was: so many times an event, a delivery, an
 * attempt, a record of one of four streams and a request; some failed, some cancelled, some waiting. Ids and commits are
 * in the order of time.
 */
export async function fillHistory(
  databaseUrl: string,
  orgId: string,
  size: number,
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
  const streamId = `strm_${'0'.repeat(31)}1`;
  await client.query(
    `INSERT INTO stream_subscriptions (id, org_id, livemode, transport, status, created_at, updated_at)
     SELECT 'strm_' || lpad(n::text, 32, '0'), $1, true, 'poll', 'active', now() - interval '31 days', now()
     FROM generate_series(1, ${STREAMS}) n ON CONFLICT DO NOTHING`,
    [orgId],
  );
  await client.query(`TRUNCATE ${LOGGED}, ${COUNTED}`);
  await client.query('SET synchronous_commit = off');
  const rows = Math.ceil(size / COMMITS);
  for (let start = 1; start <= size; start += rows) {
    const values = [orgId, start, Math.min(start + rows - 1, size), size];
    await client.query('BEGIN');
    for (const text of [EVENTS, DELIVERIES, ATTEMPTS, RECORDS, REQUESTS]) {
      await client.query(text, values);
    }
    await client.query('COMMIT');
  }
  await client.query(`VACUUM ANALYZE ${LOGGED}`);
  await folded(client);
  await client.query(`VACUUM ANALYZE webhook_deliveries, ${COUNTED}`);
  const { rows: cursors } = await client.query<{ id: string }>(
    'SELECT id FROM stream_events WHERE stream_id = $1 ORDER BY xid DESC, id DESC OFFSET 1000 LIMIT 1',
    [streamId],
  );
  await client.end();
  return {
    endpointId,
    streamId,
    nearEnd: cursors[0]?.id ?? '',
    requestId: 'req_bench_7',
    rareType: 'enforcement.published',
  };
}

const ID = (prefix: string): string =>
  `'${prefix}_' || lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || lpad(to_hex(n), 20, '0')`;
const TYPE = `CASE WHEN n % 5000 = 7 THEN 'enforcement.published' WHEN n % 3 = 0 THEN 'monitor.match'
  ELSE 'filing.published' END`;
const STREAM = `'strm_' || lpad((1 + n % ${STREAMS})::text, 32, '0')`;
const ENDPOINT = `'whe_' || lpad((1 + n % 5)::text, 32, '0')`;
const STATUS = `CASE WHEN n % 1000 < ${FAILED} THEN 'failed' WHEN n % 1000 < ${FAILED + CANCELLED} THEN 'cancelled'
  WHEN n % 1000 < ${FAILED + CANCELLED + WAITING} AND n > $4 * 0.9 THEN 'pending' ELSE 'delivered' END`;
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
const RECORDS = `INSERT INTO stream_events (id, org_id, stream_id, event_id, event_type, request_id, recorded_at)
  SELECT ${ID('sevt')}, $1, ${STREAM}, ${ID('evt')}, ${TYPE}, 'req_bench_' || n, at FROM ${MADE}`;
const REQUESTS = `INSERT INTO request_records (recorded_at, request_id, org_id, livemode, principal_id, auth_mode,
    meter_class, method, path, status, latency_ms)
  SELECT at, 'req_bench_' || n, $1, true, 'key_bench', 'api_key', 'control_plane', 'POST', '/v1/events', 202, 4
  FROM ${MADE} WHERE $4::int > 0`;

const unfolded = (mark: string, table: string): string => `EXISTS (SELECT FROM ${table} t
  WHERE t.xid >= (SELECT xid FROM rollup_marks WHERE name = '${mark}') AND ${ofEverybody('t')})`;

/** Waits until the worker has folded everything. */
async function folded(client: Client): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ done: boolean }>(
      `SELECT NOT (${unfolded('attempts', 'webhook_attempts')}
         OR ${unfolded('stream_events', 'stream_events')}) AS done`,
    );
    if (rows[0]?.done) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

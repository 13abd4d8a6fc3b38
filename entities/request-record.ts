import { invoicePeriod } from '../platform/clock';
import { run, statement, type Executor } from './sql';

/** A request that an organization made: what diagnostics and usage reports are made of. */
export interface RequestRecord {
  readonly recordedAt: Date;
  readonly requestId: string;
  readonly orgId: string;
  readonly livemode: boolean;
  readonly principalId: string;
  readonly authMode: 'api_key' | 'bearer';
  readonly meterClass: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly latencyMs: number;
}

const store = statement(
  'store-request-records',
  `WITH given AS (
     SELECT * FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::boolean[], $5::text[], $6::text[],
       $7::text[], $8::text[], $9::text[], $10::int[], $11::int[], $12::text[])
       AS g (recorded_at, request_id, org_id, livemode, principal_id, auth_mode, meter_class, method, path, status,
         latency_ms, period)),
   kept AS (
     INSERT INTO request_records (recorded_at, request_id, org_id, livemode, principal_id, auth_mode, meter_class,
       method, path, status, latency_ms)
     SELECT recorded_at, request_id, org_id, livemode, principal_id, auth_mode, meter_class, method, path, status,
       latency_ms FROM given)
   INSERT INTO usage_meters AS m (org_id, livemode, period, meter_class, count, success_count, error_count,
     latency_ms_sum, last_seen_at)
   SELECT org_id, livemode, period, meter_class, count(*), count(*) FILTER (WHERE status < 400),
     count(*) FILTER (WHERE status >= 400), sum(latency_ms), max(recorded_at)
   FROM given GROUP BY org_id, livemode, period, meter_class ORDER BY org_id, livemode, period, meter_class
   ON CONFLICT (org_id, livemode, period, meter_class) DO UPDATE SET count = m.count + excluded.count,
     success_count = m.success_count + excluded.success_count, error_count = m.error_count + excluded.error_count,
     latency_ms_sum = m.latency_ms_sum + excluded.latency_ms_sum,
     last_seen_at = greatest(m.last_seen_at, excluded.last_seen_at)`,
);

/** Stores many requests and counts them by meter class, in one statement. */
export async function storeRequests(
  db: Executor,
  records: readonly RequestRecord[],
): Promise<void> {
  const column = <Value>(of: (record: RequestRecord) => Value): Value[] => records.map(of);
  await run(db, store, [
    column((r) => r.recordedAt),
    column((r) => r.requestId),
    column((r) => r.orgId),
    column((r) => r.livemode),
    column((r) => r.principalId),
    column((r) => r.authMode),
    column((r) => r.meterClass),
    column((r) => r.method),
    column((r) => r.path),
    column((r) => r.status),
    column((r) => r.latencyMs),
    column((r) => invoicePeriod(r.recordedAt)),
  ]);
}

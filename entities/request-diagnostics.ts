import { run, statement, type Executor } from './sql';

/** A request as the API recorded it. */
export interface RecordedRequest {
  readonly recordedAt: Date;
  readonly requestId: string;
  readonly principalId: string | null;
  readonly authMode: string | null;
  readonly meterClass: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly latencyMs: number;
}

const requests = statement<{
  recorded_at: Date;
  request_id: string;
  principal_id: string | null;
  auth_mode: string | null;
  meter_class: string;
  method: string;
  path: string;
  status: number;
  latency_ms: number;
}>(
  'requests-of-id',
  `SELECT * FROM request_records WHERE request_id = $1 AND org_id = $2 AND (NOT $3 OR NOT livemode)
   ORDER BY recorded_at LIMIT 200`,
);

/** The requests that carried an id (one, unless a caller used it again). */
export async function requestsOf(
  db: Executor,
  orgId: string,
  requestId: string,
  testOnly: boolean,
): Promise<RecordedRequest[]> {
  const rows = await run(db, requests, [requestId, orgId, testOnly]);
  return rows.map((row) => ({
    recordedAt: row.recorded_at,
    requestId: row.request_id,
    principalId: row.principal_id,
    authMode: row.auth_mode,
    meterClass: row.meter_class,
    method: row.method,
    path: row.path,
    status: row.status,
    latencyMs: row.latency_ms,
  }));
}

/** Deliveries of one endpoint and event type with one outcome. */
export interface DeliverySummaryRow {
  readonly webhookId: string;
  readonly eventType: string;
  readonly status: number | null;
  readonly okCount: number;
  readonly errorCount: number;
  readonly replayCount: number;
  readonly count: number;
  readonly lastSeenAt: Date;
}

const summary = statement<{
  endpoint_id: string;
  event_type: string;
  http_status: number | null;
  ok_count: number;
  error_count: number;
  replay_count: number;
  count: number;
  last_seen_at: Date;
}>(
  'delivery-summary',
  `SELECT endpoint_id, event_type, http_status, count(*) FILTER (WHERE ok)::int AS ok_count,
     count(*) FILTER (WHERE NOT ok)::int AS error_count,
     count(*) FILTER (WHERE trigger = 'replay')::int AS replay_count, count(*)::int AS count,
     max(created_at) AS last_seen_at
   FROM webhook_attempts
   WHERE org_id = $1 AND (NOT $2 OR NOT livemode) AND created_at >= $3
   GROUP BY endpoint_id, event_type, http_status ORDER BY count(*) DESC, endpoint_id LIMIT $4`,
);

/** Attempts since a time, by endpoint, event type and HTTP status; the most frequent first. */
export async function summarizeDeliveries(
  db: Executor,
  orgId: string,
  testOnly: boolean,
  since: Date,
  limit: number,
): Promise<DeliverySummaryRow[]> {
  const rows = await run(db, summary, [orgId, testOnly, since, limit]);
  return rows.map((row) => ({
    webhookId: row.endpoint_id,
    eventType: row.event_type,
    status: row.http_status,
    okCount: row.ok_count,
    errorCount: row.error_count,
    replayCount: row.replay_count,
    count: row.count,
    lastSeenAt: row.last_seen_at,
  }));
}

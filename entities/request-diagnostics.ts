import type { LogKind } from './event-log';
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

/** How many records of one kind and name a request caused: of requests by meter class, else by event type. */
export interface RecordCount {
  readonly kind: 'request' | LogKind;
  readonly name: string;
  readonly count: number;
}

/** $1 request, $2 organization, $3 test mode only. Replays asked for count as attempts. */
const counts = statement<RecordCount>(
  'records-of-request',
  `SELECT kind, name, count(*)::int AS count FROM (
     SELECT 'request' AS kind, meter_class AS name FROM request_records
       WHERE request_id = $1 AND org_id = $2 AND (NOT $3 OR NOT livemode)
     UNION ALL SELECT 'event', type FROM events
       WHERE request_id = $1 AND org_id = $2 AND (NOT $3 OR NOT livemode)
     UNION ALL SELECT 'webhook_delivery', event_type FROM webhook_attempts
       WHERE request_id = $1 AND org_id = $2 AND (NOT $3 OR NOT livemode)
     UNION ALL SELECT 'webhook_delivery', t.event_type
       FROM webhook_replays r JOIN webhook_attempts t ON t.id = r.attempt_id
       WHERE r.request_id = $1 AND r.org_id = $2 AND (NOT $3 OR NOT t.livemode) AND t.request_id <> $1
     UNION ALL SELECT 'stream_event', t.event_type
       FROM stream_events t JOIN stream_subscriptions s ON s.id = t.stream_id
       WHERE t.request_id = $1 AND t.org_id = $2 AND (NOT $3 OR NOT s.livemode)) caused
   GROUP BY kind, name ORDER BY kind, name COLLATE "C"`,
);

/** How much a request caused, of every kind, however much it is. */
export function countRecords(
  db: Executor,
  orgId: string,
  requestId: string,
  testOnly: boolean,
): Promise<RecordCount[]> {
  return run(db, counts, [requestId, orgId, testOnly]);
}

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

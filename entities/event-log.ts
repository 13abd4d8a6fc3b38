import { run, statement, type Executor } from './sql';

export const LOG_KINDS = ['event', 'webhook_delivery', 'stream_event'] as const;
export type LogKind = (typeof LOG_KINDS)[number];

/** Where a record stands in the order of commits. */
export interface LogPosition {
  readonly xid: string;
  readonly id: string;
}

/** One line of an organization's log: an event, an attempt to deliver one, or its place in a stream. */
export interface LogRecord extends LogPosition {
  readonly kind: LogKind;
  readonly recordedAt: Date;
  readonly requestId: string;
  readonly eventId: string;
  readonly eventType: string;
  /** Of an event: the source text of its data. */
  readonly dataText: string | null;
  readonly livemode: boolean;
  /** Of an attempt. */
  readonly webhookId: string | null;
  readonly deliveryId: string | null;
  readonly destinationUrl: string | null;
  readonly status: number | null;
  readonly ok: boolean | null;
  readonly error: string | null;
  readonly latencyMs: number | null;
  readonly replayedFrom: string | null;
  /** Of a stream's record. */
  readonly streamId: string | null;
}

export interface LogFilter {
  readonly orgId: string;
  /** A test key sees test records alone. */
  readonly testOnly: boolean;
  readonly kind?: LogKind | undefined;
  readonly type?: string | undefined;
  readonly requestId?: string | undefined;
  readonly since?: Date | undefined;
}

interface Row {
  readonly kind: LogKind;
  readonly xid: string;
  readonly id: string;
  readonly recorded_at: Date;
  readonly request_id: string;
  readonly event_id: string;
  readonly event_type: string;
  readonly data_text: string | null;
  readonly livemode: boolean;
  readonly endpoint_id: string | null;
  readonly delivery_id: string | null;
  readonly destination_url: string | null;
  readonly http_status: number | null;
  readonly ok: boolean | null;
  readonly error: string | null;
  readonly latency_ms: number | null;
  readonly replayed_from: string | null;
  readonly stream_id: string | null;
}

/** $1 organization, $2 test records only, $3 kind, $4 type, $5 request, $6 since, $7 and $8 position, $9 rows. */
const page = (name: string, order: 'ASC' | 'DESC', bound: string) => {
  const beyond = order === 'ASC' ? '>' : '<';
  const part = (kind: LogKind, columns: string, from: string, time: string, type: string) => `
    (SELECT '${kind}' AS kind, t.xid, t.id, ${time} AS recorded_at, t.request_id, ${columns}
     FROM ${from}
     WHERE t.org_id = $1 AND (NOT $2 OR NOT ${kind === 'stream_event' ? 's' : 't'}.livemode)
       AND ($3::text IS NULL OR $3 = '${kind}') AND ($4::text IS NULL OR ${type} = $4)
       AND ($5::text IS NULL OR t.request_id = $5) AND ($6::timestamptz IS NULL OR ${time} >= $6)
       AND ($7::xid8 IS NULL OR (t.xid, t.id) ${beyond} ($7, $8)) ${bound}
     ORDER BY t.xid ${order}, t.id ${order} LIMIT $9)`;
  const none = (...names: string[]): string =>
    names.map((column) => `NULL::${TYPES[column] ?? 'text'} AS ${column}`).join(', ');
  const attemptOnly = none(
    'endpoint_id',
    'delivery_id',
    'destination_url',
    'http_status',
    'ok',
    'error',
    'latency_ms',
    'replayed_from',
  );
  return statement<Row>(
    name,
    `SELECT * FROM (
      ${part(
        'event',
        `t.id AS event_id, t.type AS event_type, substr(t.body, t.data_start + 1, length(t.body) - t.data_start - 1)
         AS data_text, t.livemode, ${attemptOnly}, ${none('stream_id')}`,
        'events t',
        't.created_at',
        't.type',
      )}
      UNION ALL ${part(
        'webhook_delivery',
        `t.event_id, t.event_type, ${none('data_text')}, t.livemode, t.endpoint_id, t.delivery_id, t.destination_url,
         t.http_status, t.ok, t.error, t.latency_ms, t.replayed_from, ${none('stream_id')}`,
        'webhook_attempts t',
        't.created_at',
        't.event_type',
      )}
      UNION ALL ${part(
        'stream_event',
        `t.event_id, t.event_type, ${none('data_text')}, s.livemode, ${attemptOnly}, t.stream_id`,
        'stream_events t JOIN stream_subscriptions s ON s.id = t.stream_id',
        't.recorded_at',
        't.event_type',
      )}) log
     ORDER BY xid ${order}, id ${order} LIMIT $9`,
  );
};

const TYPES: Record<string, string> = { http_status: 'int', latency_ms: 'int', ok: 'boolean' };

const newest = page('log-newest', 'DESC', '');
/** Only what nobody can still commit something before: a cursor never passes a row that commits late. */
const oldest = page('log-oldest', 'ASC', 'AND t.xid < pg_snapshot_xmin(pg_current_snapshot())');

/** One page of the log, newest first for looking, oldest first for exporting. */
export async function readLog(
  db: Executor,
  filter: LogFilter,
  options: {
    readonly order: 'newest' | 'oldest';
    readonly after: LogPosition | null;
    readonly limit: number;
  },
): Promise<LogRecord[]> {
  const rows = await run(db, options.order === 'newest' ? newest : oldest, [
    filter.orgId,
    filter.testOnly,
    filter.kind ?? null,
    filter.type ?? null,
    filter.requestId ?? null,
    filter.since ?? null,
    options.after?.xid ?? null,
    options.after?.id ?? null,
    options.limit,
  ]);
  return rows.map(recordOf);
}

function recordOf(row: Row): LogRecord {
  return {
    kind: row.kind,
    xid: row.xid,
    id: row.id,
    recordedAt: row.recorded_at,
    requestId: row.request_id,
    eventId: row.event_id,
    eventType: row.event_type,
    dataText: row.data_text,
    livemode: row.livemode,
    webhookId: row.endpoint_id,
    deliveryId: row.delivery_id,
    destinationUrl: row.destination_url,
    status: row.http_status,
    ok: row.ok,
    error: row.error,
    latencyMs: row.latency_ms,
    replayedFrom: row.replayed_from,
    streamId: row.stream_id,
  };
}

import { xidBefore } from './event-ids';
import { run, statement, type Executor, type Statement } from './sql';

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

/** Records, and whether there are more after them: a short page alone doesn't mean its end. */
export interface LogPage {
  readonly records: LogRecord[];
  readonly hasMore: boolean;
}

export interface LogFilter {
  readonly orgId: string;
  /** A test key sees test records alone. */
  readonly testOnly: boolean;
  readonly kind?: LogKind | undefined;
  readonly type?: string | undefined;
  readonly requestId?: string | undefined;
  readonly since?: Date | undefined;
  readonly livemode?: boolean | undefined;
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
  readonly has_next: boolean;
}

/** Bodies that a page holds, about: it ends with the record that reaches this. */
export const PAGE_BYTES = 8 * 2 ** 20;

/** The source text of the data in an event's body. */
export const DATA_TEXT = 'substr(body, data_start + 1, length(body) - data_start - 1) AS data_text';

const TYPES: Record<string, string> = {
  http_status: 'int',
  latency_ms: 'int',
  ok: 'boolean',
  data_start: 'int',
};

const none = (...names: string[]): string =>
  names.map((column) => `NULL::${TYPES[column] ?? 'text'} AS ${column}`).join(', ');

const ATTEMPT = [
  'endpoint_id',
  'delivery_id',
  'destination_url',
  'http_status',
  'ok',
  'error',
  'latency_ms',
  'replayed_from',
];
const NO_ATTEMPT = none(...ATTEMPT);
const COLUMNS = `kind, xid, id, recorded_at, request_id, event_id, event_type, livemode, ${ATTEMPT.join(', ')}, stream_id`;

/** Where the records of a kind are, and their columns. */
const PARTS: Record<LogKind, { columns: string; from: string; at: string; type: string }> = {
  event: {
    columns: `t.id AS event_id, t.type AS event_type, t.body, t.data_start, t.livemode, ${NO_ATTEMPT}, ${none('stream_id')}`,
    from: 'events t',
    at: 't.created_at',
    type: 't.type',
  },
  webhook_delivery: {
    columns: `t.event_id, t.event_type, ${none('body', 'data_start')}, t.livemode, t.endpoint_id, t.delivery_id,
      t.destination_url, t.http_status, t.ok, t.error, t.latency_ms, t.replayed_from, ${none('stream_id')}`,
    from: 'webhook_attempts t',
    at: 't.created_at',
    type: 't.event_type',
  },
  stream_event: {
    columns: `t.event_id, t.event_type, ${none('body', 'data_start')}, s.livemode, ${NO_ATTEMPT}, t.stream_id`,
    from: 'stream_events t JOIN stream_subscriptions s ON s.id = t.stream_id',
    at: 't.recorded_at',
    type: 't.event_type',
  },
};

/** Before the first and after the last position. */
const ENDS = {
  oldest: ['0', ''],
  settled: ['0', ''],
  newest: ['18446744073709551615', '~'],
} as const;

/** `settled`: oldest first, and only what nobody can still commit something before. */
type Order = 'newest' | 'oldest' | 'settled';

/**
 * The statement for a filter's shape: each shape has a plan of its own. `since` also bounds the position: what was
 * recorded since then was committed after any event that is ten minutes older, and one such event is found by its id.
 */
function pageOf(
  filter: LogFilter,
  order: Order,
  earliest: string | null,
): { page: Statement<Row>; more: unknown[] } {
  const { kind, type, requestId, since, livemode, testOnly } = filter;
  const more: unknown[] = [];
  const noLive = testOnly || livemode === false;
  const noTest = livemode === true;
  const shape: string[] = [order, kind ?? 'all'];
  if (noLive) shape.push('test');
  if (noTest) shape.push('live');
  const add = (name: string, value: unknown): string => {
    if (!shape.includes(name)) shape.push(name);
    return `$${4 + more.push(value)}`;
  };
  const typed = type === undefined ? null : add('type', type);
  const asked = requestId === undefined ? null : add('request', requestId);
  const from = since === undefined ? null : add('since', since);
  const floor = since === undefined ? null : add('since', earliest ?? '0');
  const [beyond, direction] = order === 'newest' ? ['<', 'DESC'] : ['>', 'ASC'];
  const part = (name: LogKind): string => {
    const { columns, from: table, at, type: typeColumn } = PARTS[name];
    const modeColumn = name === 'stream_event' ? 's.livemode' : 't.livemode';
    const conditions = [
      `t.org_id = $1 AND (t.xid, t.id) ${beyond} ($2::xid8, $3)`,
      ...(typed ? [`${typeColumn} = ${typed}`] : []),
      ...(asked ? [`t.request_id = ${asked}`] : []),
      ...(noLive ? [`NOT ${modeColumn}`] : []),
      ...(noTest ? [modeColumn] : []),
      ...(from ? [`${at} >= ${from}::timestamptz AND t.xid >= ${floor}::xid8`] : []),
      ...(order === 'settled' ? ['t.xid < pg_snapshot_xmin(pg_current_snapshot())'] : []),
    ];
    return `(SELECT '${name}' AS kind, t.xid, t.id, ${at} AS recorded_at, t.request_id, ${columns}
      FROM ${table} WHERE ${conditions.join(' AND ')} ORDER BY t.xid ${direction}, t.id ${direction} LIMIT $4::int + 1)`;
  };
  const parts = (kind === undefined ? LOG_KINDS : [kind]).map(part);
  const text = `SELECT ${COLUMNS}, has_next, ${DATA_TEXT} FROM (
      SELECT *, lead(id) OVER w IS NOT NULL AS has_next, coalesce(octet_length(body), 0) AS bytes,
        sum(octet_length(body)) OVER w AS total FROM (${parts.join(' UNION ALL ')}) log
      WINDOW w AS (ORDER BY xid ${direction}, id ${direction})) page
    WHERE coalesce(total, 0) - bytes < ${PAGE_BYTES} ORDER BY xid ${direction}, id ${direction} LIMIT $4`;
  return { page: statement<Row>(`log-${shape.join('-')}`, text), more };
}

/**
 * One page of the log: newest or oldest first for looking; settled for exporting, so that a cursor never passes a
 * record that commits late. A page is shorter than its limit where its bodies are large.
 */
export async function readLog(
  db: Executor,
  filter: LogFilter,
  options: {
    readonly order: Order;
    readonly after: LogPosition | null;
    readonly limit: number;
  },
): Promise<LogPage> {
  const { order, after, limit } = options;
  const [xid, id] = after ? [after.xid, after.id] : ENDS[order];
  const earliest = filter.since === undefined ? null : await xidBefore(db, filter.since);
  const { page, more } = pageOf(filter, order, earliest);
  const rows = await run(db, page, [filter.orgId, xid, id, limit, ...more]);
  return { records: rows.map(recordOf), hasMore: rows.at(-1)?.has_next ?? false };
}

const replaysOf = statement<Row>(
  'log-replays-of-request',
  `SELECT 'webhook_delivery' AS kind, t.xid, t.id, t.created_at AS recorded_at, t.request_id,
     ${PARTS.webhook_delivery.columns}, NULL AS data_text
   FROM webhook_replays r JOIN webhook_attempts t ON t.id = r.attempt_id
   WHERE r.request_id = $3 AND r.org_id = $1 AND (NOT $2 OR NOT t.livemode) AND t.request_id <> $3
   ORDER BY t.xid, t.id LIMIT 500`,
);

/** The attempts that a request asked for as replays, of deliveries that another request caused. */
export async function readReplaysOf(
  db: Executor,
  { orgId, testOnly, requestId }: LogFilter,
): Promise<LogRecord[]> {
  const rows = await run(db, replaysOf, [orgId, testOnly, requestId]);
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

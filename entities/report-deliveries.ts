import { readableTime } from '../platform/clock';
import type { Report, ReportLine, ReportRange } from './report';
import { run, statement } from './sql';

const MOST_SUMMED = 200;

interface AttemptRow {
  readonly xid: string;
  readonly id: string;
  readonly created_at: Date;
  readonly request_id: string;
  readonly livemode: boolean;
  readonly delivery_id: string;
  readonly endpoint_id: string;
  readonly destination_url: string;
  readonly event_id: string;
  readonly event_type: string;
  readonly attempt: number;
  readonly trigger: string;
  readonly http_status: number | null;
  readonly ok: boolean;
  readonly error: string | null;
  readonly latency_ms: number | null;
  readonly replayed_from: string | null;
}

/** $1 organization, $2 test records only, $3 since, $4 until, $5 the first transaction that is out. */
const TAKEN_IN = `org_id = $1 AND (NOT $2 OR NOT livemode) AND xid < $5::xid8
  AND ($3::timestamptz IS NULL OR created_at >= $3) AND ($4::timestamptz IS NULL OR created_at < $4)`;

const page = statement<AttemptRow>(
  'report-deliveries',
  `SELECT xid, id, created_at, request_id, livemode, delivery_id, endpoint_id, destination_url, event_id, event_type,
     attempt, trigger, http_status, ok, error, latency_ms, replayed_from
   FROM webhook_attempts WHERE ${TAKEN_IN} AND (xid, id) > ($6::xid8, $7) ORDER BY xid, id LIMIT $8`,
);

const summary = statement<{
  endpoint_id: string;
  destination_url: string;
  count: string;
  ok_count: string;
  deliveries: string;
  delivered: string;
  p50: number | null;
  p95: number | null;
  total: string;
}>(
  'report-deliveries-summary',
  `SELECT endpoint_id, max(destination_url) AS destination_url, count(*) AS count, count(*) FILTER (WHERE ok) AS ok_count,
     count(DISTINCT delivery_id) AS deliveries, count(DISTINCT delivery_id) FILTER (WHERE ok) AS delivered,
     percentile_disc(0.5) WITHIN GROUP (ORDER BY latency_ms) AS p50,
     percentile_disc(0.95) WITHIN GROUP (ORDER BY latency_ms) AS p95, sum(count(*)) OVER () AS total
   FROM webhook_attempts WHERE ${TAKEN_IN} GROUP BY endpoint_id ORDER BY count(*) DESC, endpoint_id LIMIT ${MOST_SUMMED}`,
);

/** Every attempt to deliver an event, in the order of their commits; summed up by endpoint. */
export const deliveriesReport: Report = {
  title: 'Deliveries',
  columns: [
    'recordedAt',
    'id',
    'deliveryId',
    'webhookId',
    'destinationUrl',
    'eventId',
    'eventType',
    'attempt',
    'trigger',
    'status',
    'ok',
    'error',
    'latencyMs',
    'replayedFromDeliveryId',
    'requestId',
    'livemode',
  ],
  shown: ['time', 'event', 'to', 'attempt', 'outcome', 'ms', 'delivery'],
  async read(db, range, after, limit) {
    const [xid = '0', id = ''] = after?.split(' ') ?? [];
    const rows = await run(db, page, [...valuesOf(range), xid, id, limit]);
    const last = rows.at(-1);
    return {
      lines: rows.map((row) => lineOf(row, range.orgId)),
      after: last && rows.length === limit ? `${last.xid} ${last.id}` : null,
    };
  },
  async summarize(db, range) {
    const rows = await run(db, summary, valuesOf(range));
    return {
      total: Number(rows[0]?.total ?? 0),
      columns: [
        'endpoint',
        'to',
        'attempts',
        'failed',
        'deliveries',
        'arrived',
        'p50 ms',
        'p95 ms',
      ],
      rows: rows.map((row) => [
        row.endpoint_id,
        row.destination_url,
        Number(row.count),
        Number(row.count) - Number(row.ok_count),
        Number(row.deliveries),
        Number(row.delivered),
        row.p50,
        row.p95,
      ]),
    };
  },
};

const valuesOf = ({ orgId, livemode, since, until, belowXid }: ReportRange): unknown[] => [
  orgId,
  !livemode,
  since,
  until,
  belowXid,
];

function lineOf(row: AttemptRow, orgId: string): ReportLine {
  const record = {
    recordedAt: row.created_at.toISOString(),
    id: row.id,
    deliveryId: row.delivery_id,
    webhookId: row.endpoint_id,
    destinationUrl: row.destination_url,
    eventId: row.event_id,
    eventType: row.event_type,
    attempt: row.attempt,
    trigger: row.trigger,
    status: row.http_status,
    ok: row.ok,
    error: row.error,
    latencyMs: row.latency_ms,
    replayedFromDeliveryId: row.replayed_from,
    requestId: row.request_id,
    livemode: row.livemode,
  };
  const why = row.http_status === null ? (row.error ?? 'no answer') : `HTTP ${row.http_status}`;
  return {
    at: row.created_at,
    json: JSON.stringify({ object: 'webhook_delivery_attempt', orgId, ...record }),
    cells: Object.values(record).map((cell) => (typeof cell === 'boolean' ? String(cell) : cell)),
    shown: [
      readableTime(row.created_at),
      row.event_type,
      row.destination_url,
      `${row.attempt}${row.trigger === 'replay' ? ' (replay)' : ''}`,
      row.ok ? `arrived, ${why}` : `failed, ${why}`,
      row.latency_ms,
      row.delivery_id,
    ],
  };
}

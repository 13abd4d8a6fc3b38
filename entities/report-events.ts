import { readableTime } from '../platform/clock';
import { lineWithRaw } from '../platform/raw-json';
import { readLog, type LogPosition, type LogRecord } from './event-log';
import { LOG_COLUMNS, logCells, logFields } from './log-line';
import type { Report, ReportLine, ReportRange } from './report';
import { run, statement } from './sql';

const LONGEST_SHOWN = 120;

/** The event log: events, attempts to deliver them, and their places in streams, in the order of their commits. */
export const eventsReport: Report = {
  title: 'Event log',
  columns: LOG_COLUMNS,
  shown: ['time', 'what', 'type', 'id', 'request', 'outcome or data'],
  async read(db, range, after, limit) {
    const { orgId, livemode, since } = range;
    const filter = { orgId, testOnly: !livemode, since: since ?? undefined };
    const options = { order: 'settled', after: positionOf(after), limit } as const;
    const page = await readLog(db, filter, options);
    const below = BigInt(range.belowXid);
    const inside = page.records.filter(({ xid }) => BigInt(xid) < below);
    const last = inside.at(-1);
    return {
      lines: inside
        .filter(({ recordedAt }) => range.until === null || recordedAt < range.until)
        .map((record) => lineOf(record, orgId)),
      after:
        last && page.hasMore && inside.length === page.records.length
          ? `${last.xid} ${last.id}`
          : null,
    };
  },
  async summarize(db, range) {
    const rows = await run(db, summary, valuesOf(range));
    return {
      total: Number(rows[0]?.total ?? 0),
      columns: ['what', 'type', 'records', 'first', 'last'],
      rows: rows.map((row) => [
        row.kind,
        row.event_type,
        Number(row.count),
        row.first_at.toISOString(),
        row.last_at.toISOString(),
      ]),
    };
  },
};

function positionOf(after: string | null): LogPosition | null {
  if (after === null) return null;
  const [xid = '0', id = ''] = after.split(' ');
  return { xid, id };
}

function lineOf(record: LogRecord, orgId: string): ReportLine {
  const { kind, recordedAt, eventType, id, requestId, dataText, status, ok, error } = record;
  const outcome =
    ok === null
      ? abbreviated(dataText ?? '')
      : `${ok ? 'arrived' : 'failed'}${status === null ? '' : `, HTTP ${status}`}${error === null ? '' : `, ${error}`}`;
  return {
    at: recordedAt,
    json: lineWithRaw(logFields(record, orgId)),
    cells: logCells(record),
    shown: [readableTime(recordedAt), kind.replace('_', ' '), eventType, id, requestId, outcome],
  };
}

function abbreviated(text: string): string {
  return text.length <= LONGEST_SHOWN ? text : `${text.slice(0, LONGEST_SHOWN)}…`;
}

const WITHIN = `AND ($3::timestamptz IS NULL OR at >= $3) AND ($4::timestamptz IS NULL OR at < $4)`;

/** $1 organization, $2 test records only, $3 since, $4 until, $5 the first transaction that is out. */
const summary = statement<{
  kind: string;
  event_type: string;
  count: string;
  first_at: Date;
  last_at: Date;
  total: string;
}>(
  'report-events-summary',
  `SELECT kind, event_type, count(*) AS count, min(at) AS first_at, max(at) AS last_at,
     sum(count(*)) OVER () AS total
   FROM (
     SELECT 'event' AS kind, type AS event_type, created_at AS at FROM events
       WHERE org_id = $1 AND (NOT $2 OR NOT livemode) AND xid < $5::xid8
     UNION ALL SELECT 'delivery attempt', event_type, created_at FROM webhook_attempts
       WHERE org_id = $1 AND (NOT $2 OR NOT livemode) AND xid < $5::xid8
     UNION ALL SELECT 'stream record', t.event_type, t.recorded_at FROM stream_events t
       JOIN stream_subscriptions s ON s.id = t.stream_id
       WHERE t.org_id = $1 AND (NOT $2 OR NOT s.livemode) AND t.xid < $5::xid8) log
   WHERE true ${WITHIN}
   GROUP BY kind, event_type ORDER BY kind, event_type`,
);

const valuesOf = ({ orgId, livemode, since, until, belowXid }: ReportRange): unknown[] => [
  orgId,
  !livemode,
  since,
  until,
  belowXid,
];

import { readableTime } from '../platform/clock';
import { usdFromMicros } from '../platform/money';
import type { Cell, Report, ReportLine, ReportRange } from './report';
import { run, statement } from './sql';

interface UsedRow {
  readonly kind: 'charge' | 'usage_event';
  readonly period: string;
  readonly at: Date;
  /** The time as Postgres holds it, finer than a Date. */
  readonly exactly: string;
  readonly id: string;
  readonly meter_class: string;
  readonly family: string;
  readonly units: string;
  readonly unit_micros: string;
  readonly amount_micros: string;
  readonly plan_key: string;
  readonly request_id: string | null;
  readonly principal_id: string;
  readonly corrects: string | null;
}

/** $1 organization, $2 live, $3 since, $4 until, $5 the first transaction that is out. */
const takenIn = (at: string): string => `org_id = $1 AND livemode = $2 AND xid < $5::xid8
  AND ($3::timestamptz IS NULL OR ${at} >= $3) AND ($4::timestamptz IS NULL OR ${at} < $4)`;

const COLUMNS =
  'meter_class, family, units, unit_micros, amount_micros, plan_key, request_id, principal_id';

/** $6 month, $7 time and $8 id of the last one, $9 rows. Charges stand in the order of an index they have. */
const charges = statement<UsedRow>(
  'report-usage-charges',
  `SELECT 'charge' AS kind, period, created_at AS at, created_at::text AS exactly, id, ${COLUMNS}, NULL AS corrects FROM charges
   WHERE ${takenIn('created_at')} AND status = 'charged' AND (period, created_at, id) > ($6, $7::timestamptz, $8)
   ORDER BY period, created_at, id LIMIT $9`,
);

/** $6 month and $7 id of the last one, $8 rows. */
const reported = statement<UsedRow>(
  'report-usage-reported',
  `SELECT 'usage_event' AS kind, period, occurred_at AS at, '' AS exactly, event_id AS id, ${COLUMNS}, corrects FROM usage_events
   WHERE ${takenIn('occurred_at')} AND (period, event_id) > ($6, $7) ORDER BY period, event_id LIMIT $8`,
);

const summary = statement<{
  period: string;
  meter_class: string;
  count: string;
  units: string;
  micros: string;
  total: string;
}>(
  'report-usage-summary',
  `SELECT period, meter_class, count(*) AS count, sum(units) AS units, sum(amount_micros) AS micros,
     sum(count(*)) OVER () AS total
   FROM (SELECT period, meter_class, units, amount_micros FROM charges
         WHERE ${takenIn('created_at')} AND status = 'charged'
         UNION ALL SELECT period, meter_class, units, amount_micros FROM usage_events WHERE ${takenIn('occurred_at')}) used
   GROUP BY period, meter_class ORDER BY period, meter_class`,
);

/** Where a report of usage stands: in its charges, then in what was reported afterwards. */
type Position =
  readonly ['charge', string, string, string] | readonly ['usage_event', string, string];
const START: Position = ['charge', '', '-infinity', ''];
const REPORTED: Position = ['usage_event', '', ''];

/** What was charged and reported, unit by unit, of the artifact's mode. Deliveries are counted, not told one by one. */
export const usageReport: Report = {
  title: 'Usage',
  columns: [
    'kind',
    'at',
    'id',
    'invoicePeriod',
    'meterClass',
    'meterFamily',
    'units',
    'unitAmountUsd',
    'amountUsd',
    'planKey',
    'principalId',
    'requestId',
    'corrects',
  ],
  shown: ['time', 'meter class', 'units', 'USD', 'plan', 'by', 'id'],
  async read(db, range, after, limit) {
    const position = after === null ? START : (JSON.parse(after) as Position);
    const [kind, ...rest] = position;
    const query = kind === 'charge' ? charges : reported;
    const rows = await run(db, query, [...valuesOf(range), ...rest, limit]);
    const last = rows.at(-1);
    const next =
      last && rows.length === limit ? positionOf(last) : kind === 'charge' ? REPORTED : null;
    return { lines: rows.map(lineOf), after: next && JSON.stringify(next) };
  },
  async summarize(db, range) {
    const rows = await run(db, summary, valuesOf(range));
    return {
      total: Number(rows[0]?.total ?? 0),
      columns: ['month', 'meter class', 'records', 'units', 'USD'],
      rows: rows.map((row) => [
        row.period,
        row.meter_class,
        Number(row.count),
        Number(row.units),
        usdFromMicros(BigInt(row.micros)),
      ]),
    };
  },
};

const valuesOf = ({ orgId, livemode, since, until, belowXid }: ReportRange): unknown[] => [
  orgId,
  livemode,
  since,
  until,
  belowXid,
];

function positionOf({ kind, period, exactly, id }: UsedRow): Position {
  return kind === 'charge' ? [kind, period, exactly, id] : [kind, period, id];
}

function lineOf(row: UsedRow): ReportLine {
  const amountUsd = usdFromMicros(BigInt(row.amount_micros));
  const record: Record<string, Cell> = {
    kind: row.kind,
    at: row.at.toISOString(),
    id: row.id,
    invoicePeriod: row.period,
    meterClass: row.meter_class,
    meterFamily: row.family,
    units: Number(row.units),
    unitAmountUsd: usdFromMicros(BigInt(row.unit_micros)),
    amountUsd,
    planKey: row.plan_key,
    principalId: row.principal_id,
    requestId: row.request_id,
    corrects: row.corrects,
  };
  return {
    at: row.at,
    json: JSON.stringify({ object: 'usage_record', ...record }),
    cells: Object.values(record),
    shown: [
      readableTime(row.at),
      row.meter_class,
      Number(row.units),
      amountUsd,
      row.plan_key,
      row.principal_id,
      row.id,
    ],
  };
}

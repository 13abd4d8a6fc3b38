import { readableTime } from '../platform/clock';
import { AuditRecord } from './audit-record';
import { auditFields } from './audit-line';
import type { Report, ReportLine, ReportRange } from './report';
import { run, statement } from './sql';

/** The audit chain, in its own order, with its hashes, so that anybody can verify it again. */
export const auditReport: Report = {
  title: 'Audit records',
  columns: [
    'seq',
    'recordedAt',
    'id',
    'action',
    'actorType',
    'actorId',
    'targetType',
    'targetId',
    'before',
    'after',
    'requestId',
    'ip',
    'prevHash',
    'hash',
  ],
  shown: ['time', 'who', 'did', 'to', 'from', 'request'],
  async read(db, { orgId, since, until, upToSeq }, after, limit) {
    const query = db
      .getRepository(AuditRecord)
      .createQueryBuilder('t')
      .where('t.org_id = :orgId AND t.seq <= :upToSeq', { orgId, upToSeq })
      .andWhere('t.seq > :after', { after: after ?? '0' });
    if (since) query.andWhere('t.recorded_at >= :since', { since });
    if (until) query.andWhere('t.recorded_at < :until', { until });
    const rows = await query.orderBy('t.seq', 'ASC').limit(limit).getMany();
    return {
      lines: rows.map(lineOf),
      after: rows.length === limit ? (rows.at(-1)?.seq ?? null) : null,
    };
  },
  async summarize(db, range) {
    const rows = await run(db, summary, valuesOf(range));
    return {
      total: Number(rows[0]?.total ?? 0),
      columns: ['action', 'records', 'first', 'last'],
      rows: rows.map((row) => [
        row.action,
        Number(row.count),
        row.first_at.toISOString(),
        row.last_at.toISOString(),
      ]),
    };
  },
};

const summary = statement<{
  action: string;
  count: string;
  first_at: Date;
  last_at: Date;
  total: string;
}>(
  'report-audit-summary',
  `SELECT action, count(*) AS count, min(recorded_at) AS first_at, max(recorded_at) AS last_at,
     sum(count(*)) OVER () AS total
   FROM audit_records WHERE org_id = $1 AND seq <= $2
     AND ($3::timestamptz IS NULL OR recorded_at >= $3) AND ($4::timestamptz IS NULL OR recorded_at < $4)
   GROUP BY action ORDER BY action`,
);

const valuesOf = ({ orgId, upToSeq, since, until }: ReportRange): unknown[] => [
  orgId,
  upToSeq,
  since,
  until,
];

function lineOf(row: AuditRecord): ReportLine {
  return {
    at: row.recordedAt,
    json: JSON.stringify(auditFields(row)),
    cells: [
      Number(row.seq),
      row.recordedAt.toISOString(),
      row.id,
      row.action,
      row.actorType,
      row.actorId,
      row.targetType,
      row.targetId,
      row.before,
      row.after,
      row.requestId,
      row.ip,
      row.prevHash,
      row.hash,
    ],
    shown: [
      readableTime(row.recordedAt),
      `${row.actorType.replace('_', ' ')} ${row.actorId ?? ''}`.trim(),
      row.action,
      `${row.targetType.replaceAll('_', ' ')} ${row.targetId}`,
      row.ip,
      row.requestId,
    ],
  };
}

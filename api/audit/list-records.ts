import { z } from 'zod';
import { auditFields } from '../../entities/audit-line';
import { AuditRecord } from '../../entities/audit-record';
import { pageOf } from '../http/cursor';
import { operation } from '../http/operation';
import { cursor, limit, listOf, pastMoment, text, timestamp } from '../http/schemas';

const facts = z.record(z.string(), z.unknown()).nullable();

export const auditRecordReply = z.object({
  object: z.literal('audit_record'),
  id: z.string(),
  seq: z.int(),
  recordedAt: timestamp,
  action: z.string(),
  actor: z.object({
    type: z.enum(['api_key', 'user', 'operator', 'system', 'stripe']),
    id: z.string().nullable(),
  }),
  target: z.object({ type: z.string(), id: z.string() }),
  before: facts,
  after: facts,
  requestId: z.string().nullable(),
  ip: z.string().nullable(),
  prevHash: z.string(),
  hash: z.string(),
});

export const listAuditRecords = operation({
  name: 'listAuditRecords',
  method: 'get',
  path: '/v1/audit/records',
  summary: 'List what was changed, by whom and from where, newest first',
  tag: 'audit',
  scope: 'members:manage',
  transaction: 'none',
  input: z.object({ since: pastMoment, action: text(100).optional(), limit, cursor }),
  reply: listOf(auditRecordReply),
  async handle({ tx, input, caller: { orgId }, context: { cursors } }) {
    const { since, action } = input;
    const query = tx
      .getRepository(AuditRecord)
      .createQueryBuilder('t')
      .where('t.org_id = :orgId', { orgId });
    if (since) query.andWhere('t.recorded_at >= :since', { since });
    if (action) query.andWhere('t.action = :action', { action });
    if (input.cursor !== undefined) {
      query.andWhere('t.seq < :after', { after: cursors.decode('audit', orgId, input.cursor) });
    }
    const rows = await query
      .orderBy('t.seq', 'DESC')
      .limit(input.limit + 1)
      .getMany();
    return pageOf(rows, input.limit, auditFields, (row) => cursors.encode('audit', orgId, row.seq));
  },
});

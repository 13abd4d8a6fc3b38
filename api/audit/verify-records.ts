import { z } from 'zod';
import { verifyAudit } from '../../entities/verify-audit';
import { operation } from '../http/operation';

export const verifyAuditRecords = operation({
  name: 'verifyAuditRecords',
  method: 'get',
  path: '/v1/audit/verify',
  summary: 'Compute every hash of the audit chain anew and name the first bad record',
  tag: 'audit',
  scope: 'members:manage',
  transaction: 'none',
  input: z.object({}),
  reply: z.object({
    object: z.literal('audit_verification'),
    ok: z.boolean(),
    records: z.int(),
    headHash: z.string(),
    firstBad: z.object({ seq: z.int(), reason: z.string() }).nullable(),
  }),
  async handle({ tx, caller }) {
    return { object: 'audit_verification' as const, ...(await verifyAudit(tx, caller.orgId)) };
  },
});

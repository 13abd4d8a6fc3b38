import { z } from 'zod';
import { recoveryWorkflowId, type WebhookRecovery } from '../../entities/webhook-recovery';
import { timestamp } from '../http/schemas';

export const recoveryReply = z.object({
  object: z.literal('webhook_recovery'),
  id: z.string(),
  webhookId: z.string(),
  orgId: z.string(),
  livemode: z.boolean(),
  status: z.enum(['running', 'paused', 'done', 'cancelled']),
  total: z.int(),
  replayed: z.int(),
  succeeded: z.int(),
  failed: z.int(),
  since: timestamp,
  until: timestamp,
  perSecond: z.int(),
  workflowId: z.string(),
  createdAt: timestamp,
  updatedAt: timestamp,
  finishedAt: timestamp.nullable(),
});

/** The answer of a dry run: how many a recovery would replay now. */
export const dryRunReply = recoveryReply
  .pick({ object: true, webhookId: true, total: true, since: true, until: true })
  .extend({ dryRun: z.literal(true) });

export function presentRecovery(recovery: WebhookRecovery): z.input<typeof recoveryReply> {
  const { id, orgId, livemode, status, total, replayed, succeeded, failed, perSecond } = recovery;
  return {
    object: 'webhook_recovery',
    id,
    webhookId: recovery.endpointId,
    orgId,
    livemode,
    status,
    total,
    replayed,
    succeeded,
    failed,
    since: recovery.since.toISOString(),
    until: recovery.until.toISOString(),
    perSecond,
    workflowId: recoveryWorkflowId(id),
    createdAt: recovery.createdAt.toISOString(),
    updatedAt: recovery.updatedAt.toISOString(),
    finishedAt: recovery.finishedAt?.toISOString() ?? null,
  };
}

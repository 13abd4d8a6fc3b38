import { z } from 'zod';
import { lockEndpoint } from '../../entities/endpoint-lifecycle';
import { DEFAULT_PER_SECOND, MOST_PER_SECOND } from '../../entities/recovery-pace';
import { countRecoverable, startRecovery } from '../../entities/start-recovery';
import { recoveryFacts } from '../../entities/webhook-recovery';
import { Fault } from '../../platform/fault';
import { operation } from '../http/operation';
import { id, moment, past } from '../http/schemas';
import { dryRunReply, presentRecovery, recoveryReply } from './present-recovery';

export const recoverEndpoint = operation({
  name: 'recoverEndpoint',
  method: 'post',
  path: '/v1/webhook_endpoints/:webhookId/recover',
  summary: 'Replay every delivery since a time that has failed, once each, oldest first',
  tag: 'webhooks',
  scope: 'write:sec',
  transaction: 'one',
  status: 202,
  otherStatuses: [200],
  audits: 'webhook_recovery.started',
  input: z
    .object({
      webhookId: id('whe'),
      since: past,
      until: moment.nullish(),
      perSecond: z.int().min(1).max(MOST_PER_SECOND).nullish(),
      dryRun: z.boolean().nullish(),
    })
    .refine(({ since, until }) => !until || until > since, {
      path: ['until'],
      message: 'must be after since',
    }),
  reply: z.union([recoveryReply, dryRunReply]),
  async handle({ tx, input, caller, now, requestId, context, audit, afterCommit, setStatus }) {
    const endpoint = await lockEndpoint(tx, caller, input.webhookId);
    const until = input.until && input.until < now ? input.until : now;
    const range = { since: input.since, until };
    if (input.dryRun) {
      setStatus(200);
      return {
        object: 'webhook_recovery' as const,
        webhookId: endpoint.id,
        dryRun: true as const,
        total: await countRecoverable(tx, endpoint.id, range),
        since: range.since.toISOString(),
        until: range.until.toISOString(),
      };
    }
    if (caller.suspended) {
      throw new Fault('conflict', {
        message: 'The organization is suspended; its deliveries wait.',
        hint: 'Ask the operator of this server to resume it.',
      });
    }
    const perSecond = input.perSecond ?? DEFAULT_PER_SECOND;
    const recovery = await startRecovery(tx, endpoint, { ...range, perSecond, requestId, now });
    afterCommit(() => context.wake('command'));
    audit({
      action: 'webhook_recovery.started',
      target: { type: 'webhook_recovery', id: recovery.id },
      after: recoveryFacts(recovery),
    });
    return presentRecovery(recovery);
  },
});

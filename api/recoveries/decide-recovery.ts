import { z } from 'zod';
import { decideRecovery, type RecoveryAct } from '../../entities/decide-recovery';
import { findEndpoint } from '../../entities/find-endpoint';
import { findRecovery } from '../../entities/webhook-recovery';
import { actorOf, operation } from '../http/operation';
import { id } from '../http/schemas';
import { presentRecovery, recoveryReply } from './present-recovery';

const ACTION_OF = {
  pause: 'webhook_recovery.paused',
  resume: 'webhook_recovery.resumed',
  cancel: 'webhook_recovery.cancelled',
} as const;

function decision(act: RecoveryAct, summary: string) {
  return operation({
    name: `${act}Recovery`,
    method: 'post',
    path: `/v1/webhook_endpoints/:webhookId/recoveries/:recoveryId/${act}`,
    summary,
    tag: 'webhooks',
    scope: 'write:sec',
    transaction: 'one',
    audits: ACTION_OF[act],
    input: z.object({ webhookId: id('whe'), recoveryId: id('rec') }),
    reply: recoveryReply,
    async handle({ tx, input, caller, now, requestId, context, audit, afterCommit }) {
      const endpoint = await findEndpoint(tx, caller, input.webhookId);
      const { id: recoveryId } = await findRecovery(tx, endpoint.id, input.recoveryId);
      const actor = actorOf(caller);
      const { recovery, fact } = await decideRecovery(tx, {
        recoveryId,
        act,
        actor,
        requestId,
        now,
      });
      if (fact) audit(fact);
      afterCommit(() => context.wake('command'));
      return presentRecovery(recovery);
    },
  });
}

export const pauseRecovery = decision(
  'pause',
  'Pause a recovery; what is being sent is still recorded',
);
export const resumeRecovery = decision('resume', 'Let a paused recovery go on where it was');
export const cancelRecovery = decision(
  'cancel',
  'End a recovery; what it has not replayed stays failed',
);

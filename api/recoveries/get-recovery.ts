import { z } from 'zod';
import { findEndpoint } from '../../entities/find-endpoint';
import { findRecovery } from '../../entities/webhook-recovery';
import { operation } from '../http/operation';
import { id } from '../http/schemas';
import { presentRecovery, recoveryReply } from './present-recovery';

export const getRecovery = operation({
  name: 'getRecovery',
  method: 'get',
  path: '/v1/webhook_endpoints/:webhookId/recoveries/:recoveryId',
  summary: 'Show a recovery and how far it is',
  tag: 'webhooks',
  scope: 'read:sec',
  transaction: 'none',
  input: z.object({ webhookId: id('whe'), recoveryId: id('rec') }),
  reply: recoveryReply,
  async handle({ tx, input, caller }) {
    const endpoint = await findEndpoint(tx, caller, input.webhookId);
    return presentRecovery(await findRecovery(tx, endpoint.id, input.recoveryId));
  },
});

import { z } from 'zod';
import { deleteEndpoint, endpointFacts, lockEndpoint } from '../../entities/endpoint-lifecycle';
import { operation } from '../http/operation';
import { id } from '../http/schemas';
import { presentEndpoint, webhookEndpointReply } from './present-endpoint';

export const deleteWebhookEndpoint = operation({
  name: 'deleteWebhookEndpoint',
  method: 'delete',
  path: '/v1/webhook_endpoints/:webhookId',
  summary: 'Delete an endpoint; its pending deliveries are cancelled',
  tag: 'webhooks',
  scope: 'write:sec',
  transaction: 'one',
  audits: ['webhook_endpoint.deleted', 'webhook_recovery.cancelled'],
  input: z.object({ webhookId: id('whe') }),
  reply: webhookEndpointReply,
  async handle({ tx, input, caller, now, context, audit, afterCommit }) {
    const endpoint = await lockEndpoint(tx, caller, input.webhookId);
    const before = endpointFacts(endpoint);
    const stopped = await deleteEndpoint(tx, endpoint, now);
    afterCommit(() => context.wake('command'));
    audit({
      action: 'webhook_endpoint.deleted',
      target: { type: 'webhook_endpoint', id: endpoint.id },
      before,
    });
    for (const fact of stopped) audit(fact);
    return presentEndpoint(endpoint);
  },
});

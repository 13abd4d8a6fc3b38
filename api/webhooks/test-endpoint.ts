import { z } from 'zod';
import { lockEndpoint } from '../../entities/endpoint-lifecycle';
import { emitEvent } from '../../entities/publish-event';
import { Fault } from '../../platform/fault';
import { eventReply, presentEvent } from '../events/present-event';
import { operation } from '../http/operation';
import { id } from '../http/schemas';

export const testWebhookEndpoint = operation({
  name: 'testWebhookEndpoint',
  method: 'post',
  path: '/v1/webhook_endpoints/:webhookId/test',
  summary: 'Send a ping event to one endpoint',
  tag: 'webhooks',
  scope: 'write:sec',
  transaction: 'one',
  status: 202,
  input: z.object({ webhookId: id('whe') }),
  reply: eventReply,
  async handle({ tx, input, caller, now, requestId, context, afterCommit }) {
    const endpoint = await lockEndpoint(tx, caller, input.webhookId);
    if (endpoint.status !== 'active') {
      throw new Fault('conflict', {
        message: 'The endpoint is disabled.',
        hint: 'Enable it with PATCH {"status":"active"} first.',
      });
    }
    const event = await emitEvent(tx, {
      orgId: endpoint.orgId,
      livemode: endpoint.livemode,
      type: 'ping',
      data: { webhookId: endpoint.id },
      requestId,
      now,
      schedule: context.schedule,
      only: endpoint.id,
    });
    afterCommit(() => context.wake('delivery'));
    return presentEvent(event);
  },
});

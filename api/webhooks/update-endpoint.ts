import { z } from 'zod';
import {
  disableEndpoint,
  enableEndpoint,
  endpointFacts,
  lockEndpoint,
  startAfresh,
} from '../../entities/endpoint-lifecycle';
import { changePace } from '../../entities/endpoint-pace';
import { invalidInput } from '../../platform/fault';
import { actorOf, operation } from '../http/operation';
import { id, text } from '../http/schemas';
import { maxPerSecond, requireDestination, requireEventTypes } from './check-endpoint';
import { presentEndpoint, webhookEndpointReply } from './present-endpoint';

export const updateWebhookEndpoint = operation({
  name: 'updateWebhookEndpoint',
  method: 'patch',
  path: '/v1/webhook_endpoints/:webhookId',
  summary: 'Change an endpoint, or disable and enable it; waiting attempts follow at once',
  tag: 'webhooks',
  scope: 'write:sec',
  transaction: 'one',
  audits: ['webhook_endpoint.updated', 'webhook_recovery.paused'],
  input: z.object({
    webhookId: id('whe'),
    destinationUrl: text(4_096, 1).nullish(),
    description: text(500).nullish(),
    subscribedEventTypes: z.array(z.string().max(128)).max(100).nullish(),
    livemode: z.boolean().nullish(),
    status: z.enum(['active', 'disabled']).nullish(),
    maxPerSecond,
  }),
  reply: webhookEndpointReply,
  async before({ input, context }) {
    if (input.destinationUrl) await requireDestination(input.destinationUrl, context.config);
  },
  async handle({ tx, input, caller, now, requestId, context, audit, afterCommit }) {
    const types = input.subscribedEventTypes
      ? requireEventTypes(input.subscribedEventTypes, context.catalog)
      : undefined;
    const endpoint = await lockEndpoint(tx, caller, input.webhookId);
    if (
      input.livemode !== null &&
      input.livemode !== undefined &&
      input.livemode !== endpoint.livemode
    ) {
      throw invalidInput('livemode', 'of an endpoint cannot change; create another endpoint');
    }
    const before = endpointFacts(endpoint);
    if (input.destinationUrl && input.destinationUrl !== endpoint.destinationUrl) {
      endpoint.destinationUrl = input.destinationUrl;
      startAfresh(endpoint);
    }
    endpoint.description = input.description ?? endpoint.description;
    endpoint.subscribedEventTypes = types ?? endpoint.subscribedEventTypes;
    const paceBefore = endpoint.maxPerSecond;
    if (input.maxPerSecond !== undefined) endpoint.maxPerSecond = input.maxPerSecond;
    endpoint.updatedAt = now;
    const schedule = context.schedule;
    if (input.status === 'disabled' && endpoint.status === 'active') {
      const actor = actorOf(caller);
      const change = { endpoint, reason: 'by_hand', actor, requestId, now, schedule } as const;
      for (const fact of await disableEndpoint(tx, change)) audit(fact);
    } else if (input.status === 'active' && endpoint.status === 'disabled') {
      await enableEndpoint(tx, endpoint, now);
    } else {
      await tx.save(endpoint);
    }
    if (endpoint.maxPerSecond !== paceBefore) await changePace(tx, endpoint, now);
    afterCommit(() => context.wake('delivery'));
    afterCommit(() => context.wake('command'));
    audit({
      action: 'webhook_endpoint.updated',
      target: { type: 'webhook_endpoint', id: endpoint.id },
      before,
      after: endpointFacts(endpoint),
    });
    return presentEndpoint(endpoint);
  },
});

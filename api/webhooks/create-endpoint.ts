import { z } from 'zod';
import { endpointFacts } from '../../entities/endpoint-lifecycle';
import { changePace } from '../../entities/endpoint-pace';
import { emitEvent } from '../../entities/publish-event';
import { WebhookEndpoint } from '../../entities/webhook-endpoint';
import { newId } from '../../platform/ids';
import { newSigningSecret } from '../../platform/signature';
import { operation } from '../http/operation';
import { text } from '../http/schemas';
import { maxPerSecond, modeFor, requireDestination, requireEventTypes } from './check-endpoint';
import { presentEndpoint, webhookEndpointWithSecret } from './present-endpoint';

export const createWebhookEndpoint = operation({
  name: 'createWebhookEndpoint',
  method: 'post',
  path: '/v1/webhook_endpoints',
  summary: 'Add an endpoint for events; its signing secret is shown this once',
  tag: 'webhooks',
  scope: 'write:sec',
  transaction: 'one',
  status: 201,
  audits: 'webhook_endpoint.created',
  input: z.object({
    destinationUrl: text(4_096, 1),
    description: text(500).nullish(),
    subscribedEventTypes: z.array(z.string().max(128)).max(100).nullish(),
    livemode: z.boolean().nullish(),
    maxPerSecond,
  }),
  reply: webhookEndpointWithSecret,
  before: ({ input, context }) => requireDestination(input.destinationUrl, context.config),
  async handle({ tx, input, caller, now, requestId, context, audit, afterCommit }) {
    const livemode = modeFor(caller, input.livemode);
    const types = requireEventTypes(input.subscribedEventTypes ?? [], context.catalog);
    const id = newId('whe');
    const signingSecret = newSigningSecret();
    const endpoint = tx.create(WebhookEndpoint, {
      id,
      orgId: caller.orgId,
      livemode,
      destinationUrl: input.destinationUrl,
      description: input.description ?? null,
      subscribedEventTypes: types,
      status: 'active',
      secretSealed: context.secrets.seal(signingSecret, id),
      previousSecretSealed: null,
      previousSecretUntil: null,
      failingSince: null,
      failingTold: 0,
      maxPerSecond: input.maxPerSecond ?? null,
      lastDeliveredAt: null,
      createdAt: now,
      updatedAt: now,
      deletedAt: null,
    });
    await tx.insert(WebhookEndpoint, endpoint);
    if (endpoint.maxPerSecond !== null) await changePace(tx, endpoint, now);
    const facts = endpointFacts(endpoint);
    await emitEvent(tx, {
      orgId: caller.orgId,
      livemode,
      type: 'webhook_endpoint.created',
      data: { webhookId: id, ...facts },
      requestId,
      now,
      schedule: context.schedule,
      except: id,
    });
    afterCommit(() => context.wake('delivery'));
    audit({
      action: 'webhook_endpoint.created',
      target: { type: 'webhook_endpoint', id },
      after: facts,
    });
    return { ...presentEndpoint(endpoint), signingSecret };
  },
});

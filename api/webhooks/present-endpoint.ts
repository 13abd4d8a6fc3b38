import { z } from 'zod';
import type { WebhookEndpoint } from '../../entities/webhook-endpoint';
import { timestamp } from '../http/schemas';

export const webhookEndpointReply = z.object({
  object: z.literal('webhook_endpoint'),
  id: z.string(),
  createdAt: timestamp,
  updatedAt: timestamp,
  livemode: z.boolean(),
  orgId: z.string(),
  description: z.string().nullable(),
  destinationUrl: z.string(),
  subscribedEventTypes: z.array(z.string()),
  status: z.enum(['active', 'disabled']),
  lastDeliveredAt: timestamp.nullable(),
  failingSince: timestamp.nullable(),
  maxPerSecond: z.int().nullable(),
});

/** With the secret: the answer of create and rotate, and of nothing else. */
export const webhookEndpointWithSecret = webhookEndpointReply.extend({ signingSecret: z.string() });

export function presentEndpoint(endpoint: WebhookEndpoint): z.input<typeof webhookEndpointReply> {
  return {
    object: 'webhook_endpoint',
    id: endpoint.id,
    createdAt: endpoint.createdAt.toISOString(),
    updatedAt: endpoint.updatedAt.toISOString(),
    livemode: endpoint.livemode,
    orgId: endpoint.orgId,
    description: endpoint.description,
    destinationUrl: endpoint.destinationUrl,
    subscribedEventTypes: endpoint.subscribedEventTypes,
    status: endpoint.status,
    lastDeliveredAt: endpoint.lastDeliveredAt?.toISOString() ?? null,
    failingSince: endpoint.failingSince?.toISOString() ?? null,
    maxPerSecond: endpoint.maxPerSecond,
  };
}

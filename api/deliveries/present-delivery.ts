import { z } from 'zod';
import { workflowIdOf, type WebhookDelivery } from '../../entities/webhook-delivery';
import { timestamp } from '../http/schemas';

export const deliveryReply = z.object({
  object: z.literal('webhook_delivery'),
  id: z.string(),
  webhookId: z.string(),
  eventId: z.string(),
  eventType: z.string(),
  status: z.enum(['pending', 'delivered', 'failed', 'cancelled']),
  attempts: z.int(),
  nextAttemptAt: timestamp.nullable(),
  windowEndsAt: timestamp,
  workflowId: z.string(),
  createdAt: timestamp,
  finishedAt: timestamp.nullable(),
  livemode: z.boolean(),
  orgId: z.string(),
});

export function presentDelivery(delivery: WebhookDelivery): z.input<typeof deliveryReply> {
  return {
    object: 'webhook_delivery',
    id: delivery.id,
    webhookId: delivery.endpointId,
    eventId: delivery.eventId,
    eventType: delivery.eventType,
    status: delivery.status,
    attempts: delivery.attempts,
    nextAttemptAt: nextAttemptAt(delivery),
    windowEndsAt: delivery.windowEndsAt.toISOString(),
    workflowId: workflowIdOf(delivery.id),
    createdAt: delivery.createdAt.toISOString(),
    finishedAt: delivery.finishedAt?.toISOString() ?? null,
    livemode: delivery.livemode,
    orgId: delivery.orgId,
  };
}

/** When the next attempt is due; null where none will be made. */
export function nextAttemptAt(
  delivery: Pick<WebhookDelivery, 'status' | 'nextAt' | 'windowEndsAt'>,
): string | null {
  const { status, nextAt, windowEndsAt } = delivery;
  return status === 'pending' && nextAt && nextAt < windowEndsAt ? nextAt.toISOString() : null;
}

import { z } from 'zod';
import type { WebhookAttempt } from '../../entities/webhook-attempt';
import type { WebhookDelivery } from '../../entities/webhook-delivery';
import { timestamp } from '../http/schemas';
import { nextAttemptAt } from './present-delivery';

export const attemptReply = z.object({
  object: z.literal('webhook_delivery_attempt'),
  id: z.string(),
  createdAt: timestamp,
  orgId: z.string(),
  webhookId: z.string(),
  eventId: z.string(),
  eventType: z.string(),
  destinationUrl: z.string(),
  status: z.int().nullable(),
  ok: z.boolean(),
  requestId: z.string(),
  error: z.string().nullable(),
  latencyMs: z.int().nullable(),
  replayedFromDeliveryId: z.string().nullable(),
  deliveryId: z.string(),
  attempt: z.int(),
  trigger: z.enum(['schedule', 'replay']),
  nextAttemptAt: timestamp.nullable(),
  responseBody: z.string().nullable(),
});

/** An attempt; the newest one of a waiting delivery says when the next is due. */
export function presentAttempt(
  attempt: WebhookAttempt,
  delivery: Pick<WebhookDelivery, 'status' | 'nextAt' | 'windowEndsAt' | 'attempts'> | undefined,
): z.input<typeof attemptReply> {
  const isNewest = delivery?.attempts === attempt.attempt;
  return {
    object: 'webhook_delivery_attempt',
    id: attempt.id,
    createdAt: attempt.createdAt.toISOString(),
    orgId: attempt.orgId,
    webhookId: attempt.endpointId,
    eventId: attempt.eventId,
    eventType: attempt.eventType,
    destinationUrl: attempt.destinationUrl,
    status: attempt.httpStatus,
    ok: attempt.ok,
    requestId: attempt.requestId,
    error: attempt.error,
    latencyMs: attempt.latencyMs,
    replayedFromDeliveryId: attempt.replayedFrom,
    deliveryId: attempt.deliveryId,
    attempt: attempt.attempt,
    trigger: attempt.trigger,
    nextAttemptAt: delivery && isNewest ? nextAttemptAt(delivery) : null,
    responseBody: attempt.responseBody,
  };
}

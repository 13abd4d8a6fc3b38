import { z } from 'zod';
import type { EntityManager } from 'typeorm';
import { findDeliveryByAnyId } from '../../entities/find-delivery';
import { findEndpoint } from '../../entities/find-endpoint';
import { askReplay, replayState } from '../../entities/replay-delivery';
import { WebhookAttempt } from '../../entities/webhook-attempt';
import { Fault } from '../../platform/fault';
import { newId } from '../../platform/ids';
import { pause } from '../../platform/pause';
import { operation, type ApiContext } from '../http/operation';
import { id, timestamp, waitSeconds } from '../http/schemas';

const POLL_MS = 50;

export const replayReply = z.object({
  object: z.literal('webhook_delivery_replay'),
  sourceDeliveryId: z.string(),
  eventId: z.string(),
  eventsReplayed: z.int(),
  deliveries: z.array(
    z.object({
      kind: z.literal('webhook_delivery'),
      deliveryId: z.string(),
      attemptId: z.string().nullable(),
      recordedAt: timestamp,
      eventId: z.string(),
      eventType: z.string(),
      webhookId: z.string(),
      destinationUrl: z.string(),
      status: z.int().nullable(),
      ok: z.boolean(),
      requestId: z.string(),
      error: z.string().nullable(),
      latencyMs: z.int().nullable(),
      replayedFromDeliveryId: z.string().nullable(),
    }),
  ),
});

export const replayEndpointDelivery = operation({
  name: 'replayDelivery',
  method: 'post',
  path: '/v1/webhook_endpoints/:webhookId/deliveries/:deliveryId/replay',
  summary: 'Make one more attempt of a delivery now, whatever its state, and wait for the outcome',
  tag: 'webhooks',
  scope: 'write:sec',
  transaction: 'own',
  input: z.object({
    webhookId: id('whe'),
    deliveryId: id('wd', 'wdel'),
    wait: waitSeconds(10),
  }),
  queryFields: ['wait'],
  reply: replayReply,
  async handle({ input, caller, now, requestId, context, idempotencyDigest }) {
    const replayId = idempotencyDigest === undefined ? newId('rpl') : `rpl_${idempotencyDigest}`;
    const asked = await context.db.transaction(async (tx: EntityManager) => {
      const endpoint = await findEndpoint(tx, caller, input.webhookId);
      const { delivery, attemptId } = await findDeliveryByAnyId(tx, caller, input.deliveryId);
      if (delivery.endpointId !== endpoint.id) throw new Fault('not_found');
      if (endpoint.status !== 'active') {
        throw new Fault('conflict', {
          message: 'The endpoint is disabled.',
          hint: 'Enable it with PATCH {"status":"active"} first.',
        });
      }
      if (caller.suspended) {
        throw new Fault('conflict', {
          message: 'The organization is suspended; its deliveries wait.',
          hint: 'Ask the operator of this server to resume it.',
        });
      }
      await askReplay(tx, delivery, {
        id: replayId,
        replayedFrom: attemptId,
        now,
        requestId,
        requestedBy: caller.principalId,
      });
      return { delivery, attemptId, endpoint };
    });
    context.wake('command');
    const made = await outcomeOf(context, replayId, input.wait * 1_000);
    const { delivery, attemptId, endpoint } = asked;
    return {
      object: 'webhook_delivery_replay' as const,
      sourceDeliveryId: input.deliveryId,
      eventId: delivery.eventId,
      eventsReplayed: 1,
      deliveries: [
        {
          kind: 'webhook_delivery' as const,
          deliveryId: delivery.id,
          attemptId: made?.id ?? null,
          recordedAt: (made?.createdAt ?? now).toISOString(),
          eventId: delivery.eventId,
          eventType: delivery.eventType,
          webhookId: endpoint.id,
          destinationUrl: made?.destinationUrl ?? endpoint.destinationUrl,
          status: made?.httpStatus ?? null,
          ok: made?.ok ?? false,
          requestId: made?.requestId ?? requestId,
          error: made ? made.error : 'pending',
          latencyMs: made?.latencyMs ?? null,
          replayedFromDeliveryId: attemptId,
        },
      ],
    };
  },
});

/** The attempt that the replay became, or null where it isn't made in time, or before this process leaves. */
async function outcomeOf(
  context: ApiContext,
  replayId: string,
  waitMs: number,
): Promise<WebhookAttempt | null> {
  const until = performance.now() + waitMs;
  for (let pauseMs = POLL_MS; performance.now() < until; pauseMs = Math.min(pauseMs * 1.3, 250)) {
    const { status, attemptId } = await replayState(context.db, replayId);
    if (status === 'refused') return null;
    if (attemptId !== null) {
      return context.db.getRepository(WebhookAttempt).findOneBy({ id: attemptId });
    }
    if (context.leaving.aborted) return null;
    await pause(Math.min(pauseMs, until - performance.now()), context.leaving);
  }
  return null;
}

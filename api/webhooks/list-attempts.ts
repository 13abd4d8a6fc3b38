import { z } from 'zod';
import { In } from 'typeorm';
import { findEndpoint } from '../../entities/find-endpoint';
import { WebhookAttempt } from '../../entities/webhook-attempt';
import { WebhookDelivery } from '../../entities/webhook-delivery';
import { attemptReply, presentAttempt } from '../deliveries/present-attempt';
import { pageOf } from '../http/cursor';
import { operation } from '../http/operation';
import { cursor, id, limit, listOf } from '../http/schemas';

export const listWebhookAttempts = operation({
  name: 'listWebhookAttempts',
  method: 'get',
  path: '/v1/webhook_endpoints/:webhookId/deliveries',
  summary: 'List the attempts made to an endpoint, newest first',
  tag: 'webhooks',
  scope: 'read:sec',
  transaction: 'none',
  input: z.object({
    webhookId: id('whe'),
    eventId: z.string().max(64).optional(),
    limit,
    cursor,
  }),
  reply: listOf(attemptReply),
  async handle({ tx, input, caller, context }) {
    const endpoint = await findEndpoint(tx, caller, input.webhookId);
    const list = `attempts ${endpoint.id}`;
    const query = tx
      .getRepository(WebhookAttempt)
      .createQueryBuilder('t')
      .where('t.endpoint_id = :endpointId', { endpointId: endpoint.id });
    if (input.eventId) {
      query.andWhere('t.event_id = :eventId', { eventId: input.eventId.replaceAll('\u0000', '?') });
    }
    if (input.cursor !== undefined) {
      const after = context.cursors.decode(list, caller.orgId, input.cursor);
      query.andWhere('t.id < :after', { after });
    }
    const rows = await query
      .orderBy('t.id', 'DESC')
      .limit(input.limit + 1)
      .getMany();
    const ids = [...new Set(rows.map((row) => row.deliveryId))];
    const deliveries = await tx.getRepository(WebhookDelivery).findBy({ id: In(ids) });
    const byId = new Map(deliveries.map((delivery) => [delivery.id, delivery]));
    return pageOf(
      rows,
      input.limit,
      (row) => presentAttempt(row, byId.get(row.deliveryId)),
      (row) => context.cursors.encode(list, caller.orgId, row.id),
    );
  },
});

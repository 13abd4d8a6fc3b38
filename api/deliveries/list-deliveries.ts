import { z } from 'zod';
import { WebhookDelivery } from '../../entities/webhook-delivery';
import { listRows } from '../http/list-rows';
import { operation } from '../http/operation';
import { cursor, limit, listOf, livemodeFilter } from '../http/schemas';
import { deliveryReply, presentDelivery } from './present-delivery';

export const listDeliveries = operation({
  name: 'listDeliveries',
  method: 'get',
  path: '/v1/deliveries',
  summary: 'List deliveries, newest first',
  tag: 'deliveries',
  scope: 'read:sec',
  transaction: 'none',
  input: z.object({
    status: z.enum(['pending', 'delivered', 'failed', 'cancelled']).optional(),
    webhookId: z.string().max(64).optional(),
    eventId: z.string().max(64).optional(),
    livemode: livemodeFilter,
    limit,
    cursor,
  }),
  reply: listOf(deliveryReply),
  handle({ tx, input, caller, context }) {
    const query = tx.getRepository(WebhookDelivery).createQueryBuilder('t').where('true');
    const { status, webhookId, eventId } = input;
    if (status) query.andWhere('t.status = :status', { status });
    if (webhookId) query.andWhere('t.endpoint_id = :webhookId', { webhookId: plain(webhookId) });
    if (eventId) query.andWhere('t.event_id = :eventId', { eventId: plain(eventId) });
    const { cursors } = context;
    return listRows(query, {
      list: 'deliveries',
      caller,
      cursors,
      input,
      present: presentDelivery,
    });
  },
});

/** Postgres holds no NUL, so a filter with one matches nothing without it, too. */
function plain(text: string): string {
  return text.replaceAll('\u0000', '?');
}

import { z } from 'zod';
import { WebhookEndpoint } from '../../entities/webhook-endpoint';
import { listRows } from '../http/list-rows';
import { operation } from '../http/operation';
import { cursor, limit, listOf, livemodeFilter } from '../http/schemas';
import { presentEndpoint, webhookEndpointReply } from './present-endpoint';

export const listWebhookEndpoints = operation({
  name: 'listWebhookEndpoints',
  method: 'get',
  path: '/v1/webhook_endpoints',
  summary: 'List endpoints, newest first',
  tag: 'webhooks',
  scope: 'read:sec',
  transaction: 'none',
  input: z.object({ limit, cursor, livemode: livemodeFilter }),
  reply: listOf(webhookEndpointReply),
  handle: ({ tx, input, caller, context }) =>
    listRows(
      tx.getRepository(WebhookEndpoint).createQueryBuilder('t').where('t.deleted_at IS NULL'),
      {
        list: 'webhook_endpoints',
        caller,
        cursors: context.cursors,
        input,
        present: presentEndpoint,
      },
    ),
});

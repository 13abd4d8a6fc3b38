import { z } from 'zod';
import { findEndpoint } from '../../entities/find-endpoint';
import { operation } from '../http/operation';
import { id } from '../http/schemas';
import { presentEndpoint, webhookEndpointReply } from './present-endpoint';

export const getWebhookEndpoint = operation({
  name: 'getWebhookEndpoint',
  method: 'get',
  path: '/v1/webhook_endpoints/:webhookId',
  summary: 'Show an endpoint',
  tag: 'webhooks',
  scope: 'read:sec',
  transaction: 'none',
  input: z.object({ webhookId: id('whe') }),
  reply: webhookEndpointReply,
  async handle({ tx, input, caller }) {
    return presentEndpoint(await findEndpoint(tx, caller, input.webhookId));
  },
});

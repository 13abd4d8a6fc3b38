import { z } from 'zod';
import { ApiKey } from '../../entities/api-key';
import { listRows } from '../http/list-rows';
import { operation } from '../http/operation';
import { cursor, limit, listOf, livemodeFilter } from '../http/schemas';
import { apiKeyReply, presentApiKey } from './present-api-key';

export const listApiKeys = operation({
  name: 'listApiKeys',
  method: 'get',
  path: '/v1/api_keys',
  summary: 'List keys, newest first',
  tag: 'api keys',
  scope: ['read:sec', 'keys:manage'],
  transaction: 'none',
  input: z.object({ limit, cursor, livemode: livemodeFilter }),
  reply: listOf(apiKeyReply),
  handle: ({ tx, input, caller, context }) =>
    listRows(tx.getRepository(ApiKey).createQueryBuilder('t'), {
      list: 'api_keys',
      caller,
      cursors: context.cursors,
      input,
      present: presentApiKey,
    }),
});

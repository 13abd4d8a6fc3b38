import { z } from 'zod';
import { operation } from '../http/operation';
import { accountReply, presentAccount } from './present-account';

export const getBilling = operation({
  name: 'getBilling',
  method: 'get',
  path: '/v1/billing',
  summary: 'Show plan, grant, quotas, prices and budget',
  tag: 'billing',
  scope: ['billing:read', 'billing:manage', 'read:sec'],
  transaction: 'none',
  input: z.object({}),
  reply: accountReply,
  handle: ({ tx, caller: { orgId, livemode }, context, now }) =>
    presentAccount(tx, context.catalog, { orgId, livemode, now }),
});

import { z } from 'zod';
import { operation } from '../http/operation';
import { limitsReply, presentLimits } from './present-limits';

export const getLimits = operation({
  name: 'getLimits',
  method: 'get',
  path: '/v1/limits',
  summary: 'Show what the plan allows and how much of it is in use',
  tag: 'billing',
  scope: ['billing:read', 'billing:manage', 'read:sec'],
  transaction: 'none',
  input: z.object({}),
  reply: limitsReply,
  handle: ({ tx, caller, context, now }) => presentLimits(tx, context.catalog, caller.orgId, now),
});

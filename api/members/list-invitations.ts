import { z } from 'zod';
import { Invitation } from '../../entities/invitation';
import { listRows } from '../http/list-rows';
import { operation } from '../http/operation';
import { cursor, limit, listOf } from '../http/schemas';
import { invitationReply, presentInvitation } from './present-member';

export const listInvitations = operation({
  name: 'listInvitations',
  method: 'get',
  path: '/v1/organization/invitations',
  summary: 'List invitations, newest first',
  tag: 'members',
  scope: 'members:manage',
  transaction: 'none',
  input: z.object({ limit, cursor }),
  reply: listOf(invitationReply),
  handle: ({ tx, input, caller, context, now }) =>
    listRows(tx.getRepository(Invitation).createQueryBuilder('t'), {
      list: 'invitations',
      caller: { orgId: caller.orgId, livemode: true },
      cursors: context.cursors,
      input,
      present: (invitation) => presentInvitation(invitation, now),
    }),
});

import { z } from 'zod';
import { Member } from '../../entities/member';
import { User } from '../../entities/user';
import { pageOf } from '../http/cursor';
import { operation } from '../http/operation';
import { cursor, limit, listOf } from '../http/schemas';
import { memberReply, presentMember } from './present-member';

export const listMembers = operation({
  name: 'listMembers',
  method: 'get',
  path: '/v1/organization/members',
  summary: 'List the people of the organization, newest first',
  tag: 'members',
  scope: 'members:manage',
  transaction: 'none',
  input: z.object({ limit, cursor }),
  reply: listOf(memberReply),
  async handle({ tx, input, caller: { orgId }, context: { cursors } }) {
    const query = tx
      .getRepository(Member)
      .createQueryBuilder('m')
      .innerJoinAndMapOne('m.user', User, 'u', 'u.id = m.user_id')
      .where('m.org_id = :orgId', { orgId });
    if (input.cursor !== undefined) {
      query.andWhere('m.user_id < :after', {
        after: cursors.decode('members', orgId, input.cursor),
      });
    }
    const rows = (await query
      .orderBy('m.user_id', 'DESC')
      .limit(input.limit + 1)
      .getMany()) as (Member & { user: User })[];
    return pageOf(
      rows,
      input.limit,
      (row) => presentMember(row, row.user),
      (row) => cursors.encode('members', orgId, row.userId),
    );
  },
});

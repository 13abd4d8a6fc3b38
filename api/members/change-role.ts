import { z } from 'zod';
import { guardOwners, lockMember } from '../../entities/find-member';
import { ROLES } from '../../entities/member';
import { operation } from '../http/operation';
import { id } from '../http/schemas';
import { memberReply, presentMember, requireLive } from './present-member';

export const changeRole = operation({
  name: 'changeRole',
  method: 'patch',
  path: '/v1/organization/members/:userId',
  summary: 'Give a member another role',
  tag: 'members',
  scope: 'members:manage',
  transaction: 'one',
  audits: 'member.role_changed',
  input: z.object({ userId: id('usr'), role: z.enum(ROLES) }),
  reply: memberReply,
  async handle({ tx, input, caller, audit }) {
    requireLive(caller);
    const { member, user } = await lockMember(tx, caller.orgId, input.userId);
    const { role: from, orgId } = member;
    if (from === input.role) return presentMember(member, user);
    await guardOwners(tx, { orgId, actor: caller, from, to: input.role });
    member.role = input.role;
    await tx.save(member);
    audit({
      action: 'member.role_changed',
      target: { type: 'member', id: user.id },
      before: { role: from },
      after: { role: member.role },
    });
    return presentMember(member, user);
  },
});

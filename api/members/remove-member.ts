import { z } from 'zod';
import { guardOwners, lockMember } from '../../entities/find-member';
import { emitRevoked } from '../../entities/key-events';
import { revokeKeysOfUser } from '../../entities/remove-member';
import { operation } from '../http/operation';
import { id } from '../http/schemas';
import { memberReply, presentMember, requireLive } from './present-member';

export const removeMember = operation({
  name: 'removeMember',
  method: 'delete',
  path: '/v1/organization/members/:userId',
  summary: 'Remove a member: their sessions and the keys they made end at once',
  tag: 'members',
  scope: 'members:manage',
  transaction: 'one',
  audits: ['member.removed', 'api_key.revoked'],
  input: z.object({ userId: id('usr') }),
  reply: memberReply.extend({ revokedKeys: z.array(z.string()) }),
  async handle({ tx, input, caller, now, requestId, context, audit, afterCommit }) {
    requireLive(caller);
    const { orgId } = caller;
    const { member, user } = await lockMember(tx, orgId, input.userId);
    await guardOwners(tx, { orgId, actor: caller, from: member.role, to: null });
    await tx.remove(member);
    const keys = await revokeKeysOfUser(tx, orgId, user.id, now);
    audit({
      action: 'member.removed',
      target: { type: 'member', id: user.id },
      before: { email: user.email, role: member.role },
      after: { revokedKeys: keys.map((key) => key.id) },
    });
    for (const key of keys) {
      await emitRevoked(tx, { ...key, orgId }, requestId, now, context.schedule);
      audit({
        action: 'api_key.revoked',
        target: { type: 'api_key', id: key.id },
        before: { status: 'active' },
        after: { status: 'revoked', because: 'its maker was removed' },
      });
    }
    afterCommit(() => context.wake('delivery'));
    const revokedKeys = keys.map((key) => key.id);
    return { ...presentMember({ ...member, orgId, userId: user.id }, user), revokedKeys };
  },
});

import { In } from 'typeorm';
import { z } from 'zod';
import { invite } from '../../entities/invite';
import { Member } from '../../entities/member';
import { requireSeats } from '../../entities/seats';
import { normalizeAddress, User } from '../../entities/user';
import { Fault } from '../../platform/fault';
import { operation } from '../http/operation';
import { listOf } from '../http/schemas';
import { invitationReply, presentInvitation, requireLive, seatsOfPlan } from './present-member';

export const inviteMembers = operation({
  name: 'inviteMembers',
  method: 'post',
  path: '/v1/organization/invitations',
  summary: 'Invite people by mail; each pending invitation holds a seat',
  tag: 'members',
  scope: 'members:manage',
  transaction: 'one',
  status: 201,
  audits: 'member.invited',
  input: z.object({
    emails: z.array(z.string().trim().max(254).pipe(z.email())).min(1).max(20),
    role: z.enum(['admin', 'member']).nullish(),
  }),
  reply: listOf(invitationReply),
  async handle({ tx, input, caller, now, context, audit, afterCommit, requestId }) {
    requireLive(caller);
    const { orgId } = caller;
    const emails = [...new Map(input.emails.map((email) => [normalizeAddress(email), email]))];
    const addresses = emails.map(([address]) => address);
    await requireSeats(tx, orgId, seatsOfPlan(context), now, addresses);
    const people = await tx.findBy(User, { address: In(addresses) });
    const members = await tx.findBy(Member, { orgId, userId: In(people.map(({ id }) => id)) });
    if (members.length > 0) {
      const ids = new Set(members.map(({ userId }) => userId));
      const there = people.filter(({ id }) => ids.has(id)).map(({ email }) => email);
      throw new Fault('conflict', {
        message: `Already a member: ${there.join(', ')}.`,
        hint: 'Leave them out and send it again; nobody was invited.',
        details: { emails: there },
      });
    }
    const invited = [];
    for (const [, email] of emails) {
      const invitation = await invite(tx, {
        orgId,
        email,
        role: input.role ?? 'member',
        invitedBy: caller.principalId,
        secrets: context.secrets,
        publicUrl: context.config.PUBLIC_URL,
        now,
        requestId,
      });
      invited.push(invitation);
      audit({
        action: 'member.invited',
        target: { type: 'invitation', id: invitation.id },
        after: { email: invitation.email, role: invitation.role },
      });
    }
    afterCommit(() => context.wake('command'));
    const data = invited.map((invitation) => presentInvitation(invitation, now));
    return { object: 'list' as const, data, hasMore: false, nextCursor: null };
  },
});

import { z } from 'zod';
import { lockOpenInvitation } from '../../entities/find-member';
import { sendInvitation } from '../../entities/invite';
import { requireSeats } from '../../entities/seats';
import { Fault } from '../../platform/fault';
import { operation } from '../http/operation';
import { id } from '../http/schemas';
import { invitationReply, presentInvitation, requireLive, seatsOfPlan } from './present-member';

export const resendInvitation = operation({
  name: 'resendInvitation',
  method: 'post',
  path: '/v1/organization/invitations/:invitationId/resend',
  summary: 'Mail an invitation again, with a new link and its full time',
  tag: 'members',
  scope: 'members:manage',
  transaction: 'one',
  audits: 'invitation.resent',
  input: z.object({ invitationId: id('inv') }),
  reply: invitationReply,
  async handle({ tx, input, caller, now, context, audit, afterCommit, requestId }) {
    requireLive(caller);
    const invitation = await lockOpenInvitation(tx, caller.orgId, input.invitationId, now);
    if (invitation.status === 'revoked') {
      throw new Fault('conflict', { message: 'This invitation was withdrawn; send a new one.' });
    }
    await requireSeats(tx, caller.orgId, seatsOfPlan(context), now, [invitation.address]);
    const before = { expiresAt: invitation.expiresAt.toISOString() };
    await sendInvitation(tx, invitation, {
      orgId: caller.orgId,
      secrets: context.secrets,
      publicUrl: context.config.PUBLIC_URL,
      now,
      requestId,
    });
    audit({
      action: 'invitation.resent',
      target: { type: 'invitation', id: invitation.id },
      before,
      after: { expiresAt: invitation.expiresAt.toISOString() },
    });
    afterCommit(() => context.wake('command'));
    return presentInvitation(invitation, now);
  },
});

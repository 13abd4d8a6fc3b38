import { z } from 'zod';
import { lockOpenInvitation } from '../../entities/find-member';
import { operation } from '../http/operation';
import { id } from '../http/schemas';
import { invitationReply, presentInvitation, requireLive } from './present-member';

export const revokeInvitation = operation({
  name: 'revokeInvitation',
  method: 'delete',
  path: '/v1/organization/invitations/:invitationId',
  summary: 'Withdraw an invitation: its link is dead and its seat is free',
  tag: 'members',
  scope: 'members:manage',
  transaction: 'one',
  audits: 'invitation.revoked',
  input: z.object({ invitationId: id('inv') }),
  reply: invitationReply,
  async handle({ tx, input, caller, now, audit }) {
    requireLive(caller);
    const invitation = await lockOpenInvitation(tx, caller.orgId, input.invitationId, now);
    if (invitation.status === 'revoked') return presentInvitation(invitation, now);
    invitation.status = 'revoked';
    invitation.resolvedAt = now;
    await tx.save(invitation);
    audit({
      action: 'invitation.revoked',
      target: { type: 'invitation', id: invitation.id },
      before: { email: invitation.email, status: 'pending' },
      after: { status: 'revoked' },
    });
    return presentInvitation(invitation, now);
  },
});

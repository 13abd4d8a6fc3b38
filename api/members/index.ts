import type { AnyOperation } from '../http/operation';
import { acceptInvitationOperation } from './accept-invitation';
import { changeRole } from './change-role';
import { inviteMembers } from './invite-members';
import { listInvitations } from './list-invitations';
import { listMembers } from './list-members';
import { removeMember } from './remove-member';
import { resendInvitation } from './resend-invitation';
import { revokeInvitation } from './revoke-invitation';

export const memberOperations = [
  listMembers,
  changeRole,
  removeMember,
  inviteMembers,
  listInvitations,
  resendInvitation,
  revokeInvitation,
  acceptInvitationOperation,
] as unknown as AnyOperation[];

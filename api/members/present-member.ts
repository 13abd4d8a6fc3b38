import { z } from 'zod';
import { invitationStatus, type Invitation } from '../../entities/invitation';
import { ROLES, type Member } from '../../entities/member';
import type { User } from '../../entities/user';
import { Fault } from '../../platform/fault';
import type { ApiContext, Caller } from '../http/operation';
import { timestamp } from '../http/schemas';

export const memberReply = z.object({
  object: z.literal('member'),
  id: z.string(),
  email: z.string(),
  name: z.string().nullable(),
  role: z.enum(ROLES),
  status: z.literal('active'),
  createdAt: timestamp,
});

export const invitationReply = z.object({
  object: z.literal('invitation'),
  id: z.string(),
  email: z.string(),
  role: z.enum(ROLES),
  status: z.enum(['pending', 'accepted', 'revoked', 'expired']),
  expiresAt: timestamp,
  createdAt: timestamp,
});

export function presentMember(member: Member, user: User): z.input<typeof memberReply> {
  return {
    object: 'member',
    id: user.id,
    email: user.email,
    name: user.name,
    role: member.role,
    status: 'active',
    createdAt: member.createdAt.toISOString(),
  };
}

/** An invitation as callers see it: never its token, which only the mail holds. */
export function presentInvitation(
  invitation: Invitation,
  now: Date,
): z.input<typeof invitationReply> {
  return {
    object: 'invitation',
    id: invitation.id,
    email: invitation.email,
    role: invitation.role,
    status: invitationStatus(invitation, now),
    expiresAt: invitation.expiresAt.toISOString(),
    createdAt: invitation.createdAt.toISOString(),
  };
}

/** Seats by plan, as the catalogue has them. */
export const seatsOfPlan =
  ({ catalog }: Pick<ApiContext, 'catalog'>) =>
  (planKey: string): number =>
    catalog.plan(planKey)?.seatsIncluded ?? 1;

/** People are live: a test key may look at them, not change them. Throws insufficient_scope. */
export function requireLive(caller: Caller): void {
  if (caller.livemode) return;
  throw new Fault('insufficient_scope', {
    message: 'A test key cannot change members or invitations.',
    hint: 'Use a live key or sign in.',
    details: { required: ['members:manage'] },
  });
}

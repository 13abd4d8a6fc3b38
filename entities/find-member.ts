import type { EntityManager } from 'typeorm';
import { Fault } from '../platform/fault';
import { Invitation, invitationStatus } from './invitation';
import { Member, type Role } from './member';
import { lockOrganization } from './seats';
import { User } from './user';

/** A member with the person. */
export interface MemberWithUser {
  readonly member: Member;
  readonly user: User;
}

/** A member of an organization, under the organization's lock: who changes roles holds it. Throws not_found. */
export async function lockMember(
  tx: EntityManager,
  orgId: string,
  userId: string,
): Promise<MemberWithUser> {
  await lockOrganization(tx, orgId);
  const member = await tx.findOneBy(Member, { orgId, userId });
  if (!member) throw new Fault('not_found');
  return { member, user: await tx.findOneByOrFail(User, { id: userId }) };
}

/** An invitation that is still open, locked. Throws not_found, or conflict for one that was accepted or withdrawn. */
export async function lockOpenInvitation(
  tx: EntityManager,
  orgId: string,
  invitationId: string,
  now: Date,
): Promise<Invitation> {
  await lockOrganization(tx, orgId);
  const invitation = await tx.findOneBy(Invitation, { id: invitationId, orgId });
  if (!invitation) throw new Fault('not_found');
  const status = invitationStatus(invitation, now);
  if (status === 'accepted') {
    throw new Fault('conflict', { message: 'This invitation was accepted already.' });
  }
  return invitation;
}

/**
 * Keeps an organization's ownership in order. Throws insufficient_scope where somebody other than an owner makes or
 * unmakes one, conflict where the last owner would go.
 */
export async function guardOwners(
  tx: EntityManager,
  change: {
    readonly orgId: string;
    readonly actor: { readonly principalId: string };
    readonly from: Role;
    /** null: removed. */
    readonly to: Role | null;
  },
): Promise<void> {
  const { orgId, actor, from, to } = change;
  if (from !== 'owner' && to !== 'owner') return;
  const owners = await tx.findBy(Member, { orgId, role: 'owner' });
  const actsAsOwner = owners.some((owner) => owner.userId === actor.principalId);
  if (!actsAsOwner && owners.length > 0) {
    throw new Fault('insufficient_scope', {
      message: 'Only an owner, signed in, makes or unmakes an owner.',
      hint: 'Ask an owner of the organization.',
      details: { required: [] },
    });
  }
  if (from === 'owner' && to !== 'owner' && owners.length === 1) {
    throw new Fault('conflict', {
      message: 'The last owner of an organization can’t go.',
      hint: 'Make somebody else an owner first.',
    });
  }
}

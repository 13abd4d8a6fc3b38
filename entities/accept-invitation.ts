import type { EntityManager } from 'typeorm';
import { Fault } from '../platform/fault';
import { newId } from '../platform/ids';
import type { AuditFact } from './audit-record';
import { hashInvitationToken, Invitation, invitationStatus } from './invitation';
import { Member } from './member';
import { requireSeats } from './seats';
import { run, statement } from './sql';
import { User } from './user';

/** Who accepts, where they are signed in; without it the token alone speaks for the address it was sent to. */
export interface SignedIn {
  readonly issuer: string;
  readonly subject: string;
  readonly name: string | null;
  /** Verified and normalized. */
  readonly address: string;
}

/**
 * Makes a member of whoever holds an invitation's token; the first member of an organization becomes its owner.
 * Throws not_found for a token that never was, conflict for one that was used, revoked or has expired,
 * insufficient_scope for a person of another address, plan_limit_reached where the plan has no seat for it any more.
 * Answers what to append to the organization's audit chain.
 */
export async function acceptInvitation(
  tx: EntityManager,
  options: {
    readonly token: string;
    readonly signedIn: SignedIn | null;
    readonly seatsOfPlan: (planKey: string) => number;
    readonly now: Date;
  },
): Promise<{ member: Member; user: User; fact: AuditFact }> {
  const { token, signedIn, seatsOfPlan, now } = options;
  const invitation = await lockInvitation(tx, token, now);
  const { orgId, address } = invitation;
  if (signedIn && signedIn.address !== address) {
    throw new Fault('insufficient_scope', {
      message: 'This invitation is for another address than the one you are signed in with.',
      hint: 'Sign in with the address that the invitation was sent to.',
      details: { required: [] },
    });
  }
  await requireSeats(tx, orgId, seatsOfPlan, now, [address], 'members');
  invitation.status = 'accepted';
  invitation.resolvedAt = now;
  await tx.save(invitation);
  const user = await userOf(tx, invitation, signedIn, now);
  const known = await tx.findOneBy(Member, { orgId, userId: user.id });
  const isFirst = !(await tx.existsBy(Member, { orgId }));
  const role = isFirst ? 'owner' : (known?.role ?? invitation.role);
  const member = await tx.save(
    tx.create(Member, { orgId, userId: user.id, role, createdAt: known?.createdAt ?? now }),
  );
  const fact: AuditFact = {
    action: 'member.joined',
    actor: { type: 'user', id: user.id },
    target: { type: 'member', id: user.id },
    after: { email: user.email, role, invitationId: invitation.id },
  };
  return { member, user, fact };
}

async function lockInvitation(tx: EntityManager, token: string, now: Date): Promise<Invitation> {
  const invitation = await tx.findOne(Invitation, {
    where: { tokenHash: hashInvitationToken(token) },
    lock: { mode: 'pessimistic_write' },
  });
  if (!invitation) throw new Fault('not_found', { hint: 'Use the link of the newest invitation.' });
  const status = invitationStatus(invitation, now);
  if (status !== 'pending') {
    const said = {
      accepted: 'was accepted already',
      revoked: 'was withdrawn',
      expired: 'has expired',
    };
    throw new Fault('conflict', {
      message: `This invitation ${said[status]}.`,
      hint: 'Ask an administrator of the organization for a new one.',
      details: { status },
    });
  }
  return invitation;
}

const lockSubject = statement(
  'lock-subject',
  `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`,
);

/** The one user of an address, also where two organizations' invitations are accepted at the same moment. */
const ofAddress = statement<{ id: string }>(
  'user-of-address',
  `INSERT INTO users (id, email, address, created_at) VALUES ($1, $2, $3, $4)
   ON CONFLICT (address) DO UPDATE SET address = excluded.address RETURNING id`,
);

/**
 * The person who accepts: whoever has the address, else whoever signed in under the same subject before, else a new
 * one. A subject stays with the person it was first seen with.
 */
async function userOf(
  tx: EntityManager,
  { email, address }: Invitation,
  signedIn: SignedIn | null,
  now: Date,
): Promise<User> {
  const seen = signedIn ? await userOfSubject(tx, signedIn) : null;
  if (seen && !(await tx.existsBy(User, { address }))) return seen;
  const [row] = await run(tx, ofAddress, [newId('usr'), email, address, now]);
  const user = await tx.findOneByOrFail(User, { id: row?.id ?? '' });
  if (!signedIn) return user;
  user.name ??= signedIn.name;
  if (!seen) {
    user.issuer = signedIn.issuer;
    user.subject = signedIn.subject;
  }
  return tx.save(user);
}

async function userOfSubject(
  tx: EntityManager,
  { issuer, subject }: SignedIn,
): Promise<User | null> {
  await run(tx, lockSubject, [`${issuer} ${subject}`]);
  return tx.findOneBy(User, { issuer, subject });
}

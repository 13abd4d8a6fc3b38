import { IsNull, type EntityManager } from 'typeorm';
import { DAY_MS } from '../platform/clock';
import { newId } from '../platform/ids';
import type { SecretBox } from '../platform/secret-box';
import { hashInvitationToken, Invitation, INVITATION_DAYS, newInvitationToken } from './invitation';
import { queueMail } from './mail';
import type { Role } from './member';
import { Organization } from './organization';
import { normalizeAddress } from './user';

interface Inviting {
  readonly orgId: string;
  readonly secrets: SecretBox;
  readonly publicUrl: string;
  readonly now: Date;
  readonly requestId: string;
}

/** Offers a seat to an address and queues the mail. A pending invitation of that address is offered anew. */
export async function invite(
  tx: EntityManager,
  wanted: Inviting & {
    readonly email: string;
    readonly role: Role;
    readonly invitedBy: string | null;
  },
): Promise<Invitation> {
  const { orgId, email, role, invitedBy, now } = wanted;
  const address = normalizeAddress(email);
  const pending = await tx.findOneBy(Invitation, {
    orgId,
    address,
    status: 'pending',
    resolvedAt: IsNull(),
  });
  const invitation =
    pending ??
    tx.create(Invitation, {
      id: newId('inv'),
      orgId,
      address,
      status: 'pending',
      createdAt: now,
      resolvedAt: null,
    });
  Object.assign(invitation, { email: email.trim(), role, invitedBy });
  return sendInvitation(tx, invitation, wanted);
}

/** Gives a pending invitation a new token and its full time again, and mails it. The old link is dead. */
export async function sendInvitation(
  tx: EntityManager,
  invitation: Invitation,
  { orgId, secrets, publicUrl, now, requestId }: Inviting,
): Promise<Invitation> {
  const token = newInvitationToken();
  invitation.tokenHash = hashInvitationToken(token);
  invitation.expiresAt = new Date(now.getTime() + INVITATION_DAYS * DAY_MS);
  const saved = await tx.save(invitation);
  const { name } = await tx.findOneByOrFail(Organization, { id: orgId });
  const organization = name ?? 'an organization';
  await queueMail(
    tx,
    {
      orgId,
      recipients: [invitation.email],
      requestId,
      subject: `You are invited to ${oneLine(organization)}`,
      text: [
        `You are invited to join ${oneLine(organization)} as ${invitation.role}.`,
        '',
        `Accept: ${publicUrl}/invitations/accept?token=${token}`,
        '',
        `The link works once, until ${invitation.expiresAt.toISOString()}, and only for ${invitation.email}.`,
      ].join('\n'),
    },
    secrets,
    now,
  );
  return saved;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

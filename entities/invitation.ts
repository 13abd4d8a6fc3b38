import { createHash, randomBytes } from 'node:crypto';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Role } from './member';

export const INVITATION_DAYS = 7;

/** An offer of a seat to an address. Pending and not expired it takes a seat itself. Its token is only in the mail. */
@Entity('invitations')
export class Invitation {
  @PrimaryColumn({ type: 'text' }) id!: string;
  @Column({ name: 'org_id', type: 'text' }) orgId!: string;
  @Column({ type: 'text' }) email!: string;
  @Column({ type: 'text' }) address!: string;
  @Column({ type: 'text' }) role!: Role;
  @Column({ type: 'text' }) status!: 'pending' | 'accepted' | 'revoked';
  @Column({ name: 'token_hash', type: 'bytea' }) tokenHash!: Buffer;
  @Column({ name: 'invited_by', type: 'text', nullable: true }) invitedBy!: string | null;
  @Column({ name: 'expires_at', type: 'timestamptz' }) expiresAt!: Date;
  @Column({ name: 'created_at', type: 'timestamptz' }) createdAt!: Date;
  @Column({ name: 'resolved_at', type: 'timestamptz', nullable: true }) resolvedAt!: Date | null;
}

/** The status that callers see: a pending one whose time is over is expired. */
export function invitationStatus(
  invitation: Invitation,
  now: Date,
): 'pending' | 'accepted' | 'revoked' | 'expired' {
  if (invitation.status === 'pending' && invitation.expiresAt <= now) return 'expired';
  return invitation.status;
}

/** A new token, 256 bits as `secapi_inv_…`. */
export function newInvitationToken(): string {
  return `secapi_inv_${randomBytes(32).toString('base64url')}`;
}

export function hashInvitationToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

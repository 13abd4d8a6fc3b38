import { Column, Entity, PrimaryColumn } from 'typeorm';
import { hashKeySecret, type Scope } from './api-key';
import { newCheckedSecret, isCheckedSecret } from './checked-secret';

/** A token with which an agent makes itself a key, once. Its secret is shown at creation and stored as a SHA-256. */
@Entity('bootstrap_tokens')
export class BootstrapToken {
  @PrimaryColumn({ type: 'text' }) id!: string;
  @Column({ name: 'org_id', type: 'text' }) orgId!: string;
  @Column({ name: 'actor_principal_id', type: 'text' }) actorPrincipalId!: string;
  @Column({ type: 'text', nullable: true }) label!: string | null;
  @Column({ name: 'token_prefix', type: 'text' }) tokenPrefix!: string;
  @Column({ type: 'bytea', select: false }) hash!: Buffer;
  @Column({ type: 'text', array: true }) scopes!: Scope[];
  @Column({ type: 'boolean' }) livemode!: boolean;
  @Column({ name: 'expires_at', type: 'timestamptz' }) expiresAt!: Date;
  @Column({ name: 'used_at', type: 'timestamptz', nullable: true }) usedAt!: Date | null;
  @Column({ name: 'used_by_principal_id', type: 'text', nullable: true })
  usedByPrincipalId!: string | null;
  @Column({ name: 'created_at', type: 'timestamptz' }) createdAt!: Date;
  @Column({ name: 'updated_at', type: 'timestamptz' }) updatedAt!: Date;
}

const PREFIX = 'secapi_boot_';

/** A new token's secret: `secapi_boot_`, 32 random base62 digits and a checksum, like a key's. */
export const newBootstrapSecret = (): string => newCheckedSecret(PREFIX);

export const isBootstrapSecret = (text: string): boolean =>
  text.startsWith(PREFIX) && isCheckedSecret(text);

export const hashBootstrapSecret = hashKeySecret;

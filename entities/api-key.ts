import { createHash } from 'node:crypto';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { isCheckedSecret, newCheckedSecret } from './checked-secret';

export const SCOPES = [
  'read:sec',
  'write:sec',
  'write:artifacts',
  'billing:read',
  'billing:manage',
  'keys:manage',
  'members:manage',
  'events:publish',
  'usage:write',
  'admin:operator',
] as const;
export type Scope = (typeof SCOPES)[number];

/** A credential of an organization in one mode. Its secret is shown once and stored only as a SHA-256. */
@Entity('api_keys')
export class ApiKey {
  @PrimaryColumn({ type: 'text' }) id!: string;
  @Column({ name: 'org_id', type: 'text' }) orgId!: string;
  @Column({ type: 'boolean' }) livemode!: boolean;
  @Column({ type: 'text', nullable: true }) label!: string | null;
  @Column({ name: 'key_prefix', type: 'text' }) keyPrefix!: string;
  @Column({ type: 'bytea', select: false }) hash!: Buffer;
  @Column({ type: 'text', array: true }) scopes!: Scope[];
  @Column({ type: 'text' }) status!: 'active' | 'revoked';
  @Column({ name: 'ip_allowlist', type: 'text', array: true, nullable: true })
  ipAllowlist!: string[] | null;
  @Column({ type: 'text', nullable: true }) replaces!: string | null;
  @Column({ name: 'created_by', type: 'text', nullable: true }) createdBy!: string | null;
  @Column({ name: 'created_at', type: 'timestamptz' }) createdAt!: Date;
  @Column({ name: 'expires_at', type: 'timestamptz', nullable: true }) expiresAt!: Date | null;
  @Column({ name: 'revoked_at', type: 'timestamptz', nullable: true }) revokedAt!: Date | null;
  @Column({ name: 'last_used_at', type: 'timestamptz', nullable: true }) lastUsedAt!: Date | null;
}

const KEY_FORM = /^secapi_(live|test)_/;

/** A new key's secret: `secapi_live_` or `secapi_test_`, 32 random base62 digits (190 bits), and a CRC-32 in 6 base62 digits. */
export function newKeySecret(livemode: boolean): string {
  return newCheckedSecret(`secapi_${livemode ? 'live' : 'test'}_`);
}

/** Whether a text is a well-formed key: right prefix, alphabet, length and checksum. Scanners and the API use the same rule. */
export function isKeySecret(text: string): boolean {
  return KEY_FORM.test(text) && isCheckedSecret(text);
}

/** What is stored of a key and looked up at each request. */
export function hashKeySecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** The part of a key that may be shown: its first 20 characters. */
export function keyPrefixOf(secret: string): string {
  return secret.slice(0, 20);
}

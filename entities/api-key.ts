import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { Column, Entity, PrimaryColumn } from 'typeorm';

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

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const RANDOM_DIGITS = 32;
const CHECKSUM_DIGITS = 6;
const KEY_FORM = /^secapi_(live|test)_([0-9A-Za-z]{32})([0-9A-Za-z]{6})$/;

/** A new key's secret: `secapi_live_` or `secapi_test_`, 32 random base62 digits (190 bits), and a CRC-32 in 6 base62 digits. */
export function newKeySecret(livemode: boolean): string {
  const body = `secapi_${livemode ? 'live' : 'test'}_${randomBase62(RANDOM_DIGITS)}`;
  return body + checksum(body);
}

/** Whether a text is a well-formed key: right prefix, alphabet, length and checksum. Scanners and the API use the same rule. */
export function isKeySecret(text: string): boolean {
  return KEY_FORM.test(text) && text.endsWith(checksum(text.slice(0, -CHECKSUM_DIGITS)));
}

/** What is stored of a key and looked up at each request. */
export function hashKeySecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** The part of a key that may be shown: its first 20 characters. */
export function keyPrefixOf(secret: string): string {
  return secret.slice(0, 20);
}

function checksum(body: string): string {
  let rest = crc32(body);
  let digits = '';
  for (let i = 0; i < CHECKSUM_DIGITS; i++) {
    digits = BASE62.charAt(rest % 62) + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}

function randomBase62(length: number): string {
  let digits = '';
  while (digits.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < 248 && digits.length < length) digits += BASE62.charAt(byte % 62);
    }
  }
  return digits;
}

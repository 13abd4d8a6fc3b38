import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Seals secrets for storage. What is sealed for one context (an id) can't be opened for another. */
export interface SecretBox {
  /** How everything begins that the first key sealed. */
  readonly sealedPrefix: string;
  /** `v1.<key id>.<base64url of nonce, ciphertext and tag>` */
  seal(plain: string, context: string): string;
  /** Throws an Error that says why (unknown key, altered text, other context). */
  open(sealed: string, context: string): string;
}

/** A box over one or more keys of 32 bytes: the first one seals, any of them opens (AES-256-GCM). */
export function createSecretBox(keys: readonly Buffer[]): SecretBox {
  const [current] = keys;
  if (!current) throw new Error('a secret box needs at least one key');
  const byId = new Map(keys.map((key) => [keyId(key), key]));
  const sealedPrefix = `v1.${keyId(current)}.`;
  return {
    sealedPrefix,
    seal(plain, context) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, current, nonce).setAAD(Buffer.from(context));
      const sealed = Buffer.concat([
        nonce,
        cipher.update(plain, 'utf8'),
        cipher.final(),
        cipher.getAuthTag(),
      ]);
      return sealedPrefix + sealed.toString('base64url');
    },
    open(sealed, context) {
      const [version, id, text] = sealed.split('.');
      const key = byId.get(id ?? '');
      if (version !== 'v1' || text === undefined) throw new Error('not a sealed secret');
      if (!key) throw new Error(`sealed with a key (${id ?? ''}) that SECRETS_KEY does not list`);
      const bytes = Buffer.from(text, 'base64url');
      const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES));
      decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        const plain = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
        return Buffer.concat([plain, decipher.final()]).toString('utf8');
      } catch (cause) {
        throw new Error('a sealed secret was altered or belongs elsewhere', { cause });
      }
    },
  };
}

/** Names a key without telling anything of it: 8 hex digits of its SHA-256. */
function keyId(key: Buffer): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 8);
}

import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

/** Signs what a link says, so that whoever holds it can do that one thing and no other. */
export interface LinkSigner {
  /** A token (43 characters, base64url) for these parts, in this order. */
  sign(...parts: readonly string[]): string;
  /** Whether the token was made for exactly these parts, by any of the keys. Changed by one character it is not. */
  verify(token: string, ...parts: readonly string[]): boolean;
}

/** A signer over keys derived from SECRETS_KEY; the first one signs. `purpose` keeps kinds of links apart. */
export function createLinkSigner(keys: readonly Buffer[], purpose: string): LinkSigner {
  const derived = keys.map((key) =>
    Buffer.from(hkdfSync('sha256', key, '', `secapi ${purpose}`, 32)),
  );
  const [first] = derived;
  if (!first) throw new Error('a link signer needs a key');
  const mac = (key: Buffer, parts: readonly string[]): Buffer =>
    createHmac('sha256', key).update(JSON.stringify(parts)).digest();
  return {
    sign: (...parts) => mac(first, parts).toString('base64url'),
    verify(token, ...parts) {
      const given = Buffer.from(token, 'base64url');
      if (given.toString('base64url') !== token) return false;
      return derived.some((key) => {
        const right = mac(key, parts);
        return given.length === right.length && timingSafeEqual(given, right);
      });
    },
  };
}

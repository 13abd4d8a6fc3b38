import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const RANDOM_DIGITS = 32;
const CHECKSUM_DIGITS = 6;
const FORM = /^secapi_[a-z]+_[0-9A-Za-z]{38}$/;

/** A new secret: the prefix, 32 random base62 digits (190 bits), and the CRC-32 of all that in 6 base62 digits. */
export function newCheckedSecret(prefix: string): string {
  const body = prefix + randomBase62(RANDOM_DIGITS);
  return body + checksum(body);
}

/** Whether a text has the form of one of our secrets and its checksum is right. Scanners use the same rule. */
export function isCheckedSecret(text: string): boolean {
  return FORM.test(text) && text.endsWith(checksum(text.slice(0, -CHECKSUM_DIGITS)));
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

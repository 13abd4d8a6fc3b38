import { uuidv7obj, UUID } from 'uuidv7';

/** Every kind of id on the wire and in the tables; the prefix tells the kind. */
export type IdPrefix =
  | 'org'
  | 'usr'
  | 'key'
  | 'req'
  | 'evt'
  | 'whe'
  | 'wd'
  | 'wdel'
  | 'rpl'
  | 'strm'
  | 'sevt'
  | 'art'
  | 'abt'
  | 'bap'
  | 'chk'
  | 'inv'
  | 'rec'
  | 'chg'
  | 'aud'
  | 'tkt'
  | 'conn'
  | 'mail';

/** A new id: the prefix, an underscore and 32 hex digits of a UUIDv7, so ids of a kind sort by time (ms). */
export function newId(prefix: IdPrefix): string {
  return `${prefix}_${uuidv7obj().toHex()}`;
}

const TAIL = /^[0-9a-f]{32}$/;

/** Whether `text` has the form of an id of this kind. Says nothing about its existence. */
export function isId(prefix: IdPrefix, text: string): boolean {
  return text.startsWith(`${prefix}_`) && TAIL.test(text.slice(prefix.length + 1));
}

/** What ids that are made at a moment (ms since 1970; before it: 0) have behind their prefix first: 12 hex digits, which `idTime` reads. */
export function idStart(ms: number): string {
  return Math.max(ms, 0).toString(16).padStart(12, '0');
}

/** The moment (ms since 1970) at which the id was made, read from its UUIDv7 part. */
export function idTime(id: string): number {
  const hex = id.slice(id.lastIndexOf('_') + 1);
  return Number.parseInt(UUID.parse(hex).toHex().slice(0, 12), 16);
}

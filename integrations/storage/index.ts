import type { Readable } from 'node:stream';

/** A stretch of bytes, both ends included, from 0. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Where durable files are kept. Keys are paths of our own making: letters, digits, `_`, `-`, `.` and `/`. */
export interface Storage {
  readonly mode: 'local' | 'r2';
  /**
   * Stores the bytes under the key, whole or not at all: what was there before stays until the last byte is safe. The
   * source is opened when it is read, so that its failure is this call's.
   */
  put(key: string, open: () => Readable): Promise<void>;
  /** The stored bytes, or a stretch of them; null where there is nothing. */
  get(key: string, range?: ByteRange): Promise<Readable | null>;
  stat(key: string): Promise<{ readonly byteLength: number } | null>;
  /** Safe to repeat. */
  remove(key: string): Promise<void>;
}

export { createLocalDisk } from './local-disk';
export { digestOf, type Digest } from './digest';

import { randomBytes } from 'node:crypto';
import { idStart } from '../../platform/ids';

/** An id as it would have been made at a moment (ms since 1970). */
export function idAt(prefix: string, ms: number): string {
  return `${prefix}_${idStart(ms)}${randomBytes(10).toString('hex')}`;
}

import type { Scope } from '../../entities/api-key';
import { Fault } from '../../platform/fault';

export const ONLY_HELD = 'A key can only mint a key with scopes that it holds itself.';

/** Nobody hands on what they don't hold. Throws insufficient_scope that names what is lacking. */
export function requireHeldScopes(
  wanted: readonly Scope[],
  held: readonly Scope[],
  message: string,
): void {
  const lacking = wanted.filter((scope) => !held.includes(scope));
  if (lacking.length === 0) return;
  throw new Fault('insufficient_scope', { message, details: { required: lacking } });
}

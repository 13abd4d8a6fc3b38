import type { IncomingMessage } from 'node:http';
import type { Scope } from '../../entities/api-key';
import { authenticate, type Principal } from '../../entities/authenticate';
import { Fault } from '../../platform/fault';
import type { AnyOperation, ApiContext, Caller } from './operation';

/** Who sent the request. Throws missing_api_key, or authentication_failed for any key that isn't valid now. */
export async function authenticateCaller(
  context: ApiContext,
  request: IncomingMessage,
): Promise<Principal> {
  const secret = credentialOf(request);
  if (secret === null) throw new Fault('missing_api_key');
  const principal = await authenticate(context.db, secret, context.clock.now());
  if (!principal) throw new Fault('authentication_failed');
  return principal;
}

function credentialOf({ headers }: IncomingMessage): string | null {
  const key = headers['x-api-key'];
  if (typeof key === 'string' && key.trim() !== '') return key.trim();
  const bearer = /^Bearer\s+(\S+)\s*$/i.exec(headers.authorization ?? '');
  return bearer?.[1] ?? null;
}

/** Throws insufficient_scope unless the principal holds what the operation needs. */
export function requireScope(operation: AnyOperation, principal: Principal): void {
  if (operation.scope === 'any' || operation.scope === 'public') return;
  const required: readonly Scope[] =
    typeof operation.scope === 'string' ? [operation.scope] : operation.scope;
  if (required.some((scope) => principal.scopes.includes(scope))) return;
  throw new Fault('insufficient_scope', { details: { required } });
}

/** The caller that an operation sees. */
export function callerOf(principal: Principal, ip: string): Caller {
  return {
    principalId: principal.keyId,
    subject: principal.keyId,
    authMode: 'api_key',
    orgId: principal.orgId,
    livemode: principal.livemode,
    scopes: principal.scopes,
    planKey: principal.planKey,
    billingState: principal.billingState,
    ip,
  };
}

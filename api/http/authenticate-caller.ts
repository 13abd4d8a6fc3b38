import type { IncomingMessage } from 'node:http';
import { isKeySecret, type Scope } from '../../entities/api-key';
import { authenticate, authenticatePerson, type Principal } from '../../entities/authenticate';
import { normalizeAddress } from '../../entities/user';
import { ProviderAway } from '../../integrations/oidc';
import { Fault } from '../../platform/fault';
import { isAllowedAddress } from './caller-address';
import { limitFailures } from './limit-requests';
import type { AnyOperation, ApiContext, Caller } from './operation';

/**
 * Who sent the request: a key, or a person with a token of the configured issuer. Throws missing_api_key;
 * authentication_failed for anything that isn't valid now, whatever the reason; rate_limited for too many of these.
 */
export async function authenticateCaller(
  context: ApiContext,
  request: IncomingMessage,
  address: string,
): Promise<Principal> {
  const credential = credentialOf(request);
  if (credential === null) throw new Fault('missing_api_key');
  const principal = await principalOf(context, request, credential);
  if (!principal) {
    await limitFailures(context, address);
    throw new Fault('authentication_failed');
  }
  if (!isAllowedAddress(address, principal.ipAllowlist)) {
    throw new Fault('insufficient_scope', {
      message: `This key may not be used from ${address}.`,
      hint: 'Send the request from an address in the key’s ipAllowlist, or make a key without one.',
      details: { required: [], address },
    });
  }
  if (principal.authMode === 'api_key') {
    context.lastUse.note(principal.principalId, context.clock.now());
  }
  return principal;
}

async function principalOf(
  context: ApiContext,
  { headers }: IncomingMessage,
  { text, isBearer }: Credential,
): Promise<Principal | null> {
  const now = context.clock.now();
  if (!isBearer || isKeySecret(text)) return authenticate(context.db, text, now);
  const identity = await identityOf(context, text);
  if (!identity) return null;
  const wanted = headers['secapi-organization'];
  const { issuer, subject, verifiedEmail } = identity;
  const address = verifiedEmail === null ? null : normalizeAddress(verifiedEmail);
  const orgId = typeof wanted === 'string' && wanted !== '' ? wanted : null;
  return authenticatePerson(context.db, { issuer, subject, address }, orgId, now);
}

/** Whom a bearer token names; null where it isn't valid or no issuer is configured. Throws dependency_unavailable. */
export async function identityOf(context: ApiContext, token: string) {
  try {
    return (await context.oidc?.verify(token)) ?? null;
  } catch (error) {
    if (!(error instanceof ProviderAway)) throw error;
    throw new Fault('dependency_unavailable', {
      message: 'The identity provider is away at the moment.',
      retryAfterSeconds: 5,
      cause: error,
    });
  }
}

interface Credential {
  readonly text: string;
  readonly isBearer: boolean;
}

/** What the request shows of itself; null where nothing. A NUL or other rubbish is no credential of anybody. */
export function credentialOf({ headers }: Pick<IncomingMessage, 'headers'>): Credential | null {
  const key = headers['x-api-key'];
  if (typeof key === 'string' && key.trim() !== '') return { text: key.trim(), isBearer: false };
  const bearer = /^Bearer\s+(\S+)\s*$/i.exec(headers.authorization ?? '');
  return bearer?.[1] ? { text: bearer[1], isBearer: true } : null;
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
  const { principalId, subject, authMode, orgId, livemode, scopes, planKey, billingState } =
    principal;
  return {
    principalId,
    subject,
    authMode,
    orgId,
    livemode,
    scopes,
    planKey,
    billingState,
    suspended: principal.suspended,
    requestsPerMinute: principal.requestsPerMinute,
    ip,
  };
}

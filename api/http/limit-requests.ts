import type { Context } from 'koa';
import type { Principal } from '../../entities/authenticate';
import { Fault } from '../../platform/fault';
import { addressBlock } from './caller-address';
import type { AnyOperation, ApiContext } from './operation';
import type { RateVerdict } from './rate-limit';

/** The ceiling of what a gateway sends on behalf of its own callers (contract.md). */
const DATA_PLANE_A_MINUTE = 600_000;
const FAILED_AUTHENTICATIONS_A_MINUTE = 600;
const DEFAULT_A_MINUTE = 120;

/**
 * Counts the request against its organization's minute and sets the RateLimit headers: IETF draft 10 beside the
 * three older ones. Operators have no limit. Throws rate_limited.
 */
export async function limitRequests(
  context: ApiContext,
  operation: AnyOperation,
  ctx: Context,
  principal: Principal,
): Promise<void> {
  if (principal.scopes.includes('admin:operator')) return;
  const policy = operation.dataPlane ? 'data' : 'control';
  const limit = operation.dataPlane ? DATA_PLANE_A_MINUTE : requestsPerMinute(context, principal);
  const verdict = await context.limiter.take(`${policy}:${principal.orgId}`, limit);
  setRateHeaders(ctx, policy, verdict);
  if (!verdict.allowed)
    throw limited(verdict, `This organization may send ${limit} requests a minute.`);
}

/** What the plan gives, or the operator instead. */
export function requestsPerMinute(
  context: Pick<ApiContext, 'catalog'>,
  { requestsPerMinute: own, planKey }: Pick<Principal, 'requestsPerMinute' | 'planKey'>,
): number {
  return own ?? context.catalog.plan(planKey)?.requestsPerMinute ?? DEFAULT_A_MINUTE;
}

/** Counts a failed authentication against the address it came from. Throws rate_limited in its place when there were too many. */
export async function limitFailures(context: ApiContext, address: string): Promise<void> {
  const subject = `failed:${addressBlock(address)}`;
  const verdict = await context.limiter.take(subject, FAILED_AUTHENTICATIONS_A_MINUTE);
  if (!verdict.allowed)
    throw limited(verdict, 'Too many failed authentications come from this address.');
}

/** Counts a token that nobody gave out, shown to a public operation, as a failed authentication. Throws rate_limited. */
export async function limitGuesses(
  context: ApiContext,
  address: string,
  error: unknown,
): Promise<void> {
  if (!(error instanceof Fault)) return;
  const { code } = error;
  if (code === 'authentication_failed' || code === 'not_found') {
    await limitFailures(context, address);
  }
}

function limited(verdict: RateVerdict, message: string): Fault {
  return new Fault('rate_limited', {
    message,
    details: { limit: verdict.limit, windowSeconds: 60 },
    retryAfterSeconds: verdict.resetSeconds,
  });
}

function setRateHeaders(ctx: Context, policy: string, verdict: RateVerdict): void {
  const { limit, remaining, resetSeconds } = verdict;
  ctx.set('RateLimit-Policy', `"${policy}";q=${limit};w=60`);
  ctx.set('RateLimit', `"${policy}";r=${remaining};t=${resetSeconds}`);
  ctx.set('RateLimit-Limit', String(limit));
  ctx.set('RateLimit-Remaining', String(remaining));
  ctx.set('RateLimit-Reset', String(resetSeconds));
}

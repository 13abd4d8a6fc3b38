import { authenticate } from '../../entities/authenticate';
import { findOrganization } from '../../entities/find-organization';
import { Fault } from '../../platform/fault';
import { isId } from '../../platform/ids';
import type { ApiContext, Caller } from '../http/operation';

/** Whose usage it is, on which plan. */
export interface UsageOwner {
  readonly orgId: string;
  readonly livemode: boolean;
  readonly principalId: string;
  readonly planKey: string;
  readonly billingState: string;
  readonly suspended: boolean;
}

/**
 * The caller's own organization; an operator's key may name another by id, or by a customer's key as a gateway does.
 * A test key names nobody's live usage. Throws insufficient_scope, not_found, or authentication_failed for a customer's key that isn't valid.
 */
export async function usageOwner(
  context: ApiContext,
  caller: Caller,
  named: {
    readonly orgId?: string | null | undefined;
    readonly apiKey?: string | null | undefined;
  },
): Promise<UsageOwner> {
  const { orgId, apiKey } = named;
  const isForeign = Boolean(apiKey) || Boolean(orgId && orgId !== caller.orgId);
  if (!isForeign) return caller;
  if (!caller.scopes.includes('admin:operator')) {
    throw new Fault('insufficient_scope', {
      message: 'Only an operator key may act for another organization.',
      details: { required: ['admin:operator'] },
    });
  }
  if (apiKey) {
    const customer = await authenticate(context.db, apiKey, context.clock.now());
    if (!customer || (orgId && customer.orgId !== orgId)) throw new Fault('authentication_failed');
    if (customer.livemode && !caller.livemode) {
      throw new Fault('insufficient_scope', {
        message: 'A test key cannot charge live usage.',
        hint: 'Use a live operator key, or a test key of the customer.',
        details: { required: [] },
      });
    }
    return customer;
  }
  if (!orgId || !isId('org', orgId)) throw new Fault('not_found');
  const organization = await findOrganization(context.db, orgId);
  return {
    orgId,
    livemode: caller.livemode,
    principalId: caller.principalId,
    planKey: organization.planKey,
    billingState: organization.billingState,
    suspended: organization.suspendedAt !== null,
  };
}

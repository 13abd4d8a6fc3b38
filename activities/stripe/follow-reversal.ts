import { ownerOfCustomer } from '../../entities/billing-customer';
import { recordReversal } from '../../entities/reversal';
import { fetchTicket } from '../../entities/subscription';
import type { ReversalView, StripePort } from '../../integrations/stripe';
import { applyingTo, ignore, type Reconciling } from './reconciling';

/** Fetches a refund, a dispute, or all refunds of a charge again, and records each change of them once. */
export async function followReversals(
  deps: Reconciling,
  of: { readonly objectType: 'charge' | 'dispute' | 'refund'; readonly objectId: string },
  cause: string,
): Promise<string> {
  const seq = await fetchTicket(deps.db);
  const outcomes = new Set<string>();
  for (const reversal of await fetchReversals(deps.stripe, of)) {
    outcomes.add(await record(deps, reversal, seq, cause));
  }
  return [...outcomes].sort().join(', ') || 'nothing new';
}

async function fetchReversals(
  stripe: StripePort,
  { objectType, objectId }: Parameters<typeof followReversals>[1],
): Promise<ReversalView[]> {
  if (objectType === 'charge') return stripe.refundsOf(objectId);
  const one = await (objectType === 'dispute'
    ? stripe.readDispute(objectId)
    : stripe.readRefund(objectId));
  return one ? [one] : [];
}

async function record(
  deps: Reconciling,
  reversal: ReversalView,
  seq: string,
  cause: string,
): Promise<string> {
  const { db, stripe } = deps;
  if (reversal.livemode !== stripe.livemode) return ignore(deps, 'other_mode', reversal.id);
  const { customerId } = reversal;
  const orgId = customerId === null ? null : await ownerOfCustomer(db, customerId);
  if (orgId === null) return ignore(deps, 'foreign_customer', reversal.id);
  const at = applyingTo(deps, orgId);
  const isNew = await db.transaction((tx) => recordReversal(tx, at, reversal, seq, cause));
  return isNew ? 'applied' : 'nothing new';
}

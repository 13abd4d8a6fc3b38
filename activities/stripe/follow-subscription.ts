import { applySubscription } from '../../entities/apply-subscription';
import { ownerOfCustomer } from '../../entities/billing-customer';
import { fetchTicket } from '../../entities/subscription';
import { endSuperseded } from './end-superseded';
import { applyingTo, ignore, type Reconciling } from './reconciling';

/**
 * Fetches a subscription again and applies what it says; it may have been bought with a Session whose checkout had ended,
 * and takes the place of an older one then. Answers what came of it.
 */
export async function followSubscription(deps: Reconciling, id: string): Promise<string> {
  const { db, stripe } = deps;
  const seq = await fetchTicket(db);
  const subscription = await stripe.readSubscription(id);
  if (!subscription) return 'no such subscription';
  if (subscription.livemode !== stripe.livemode) return ignore(deps, 'other_mode', id);
  const orgId = await ownerOfCustomer(db, subscription.customerId);
  if (orgId === null || (subscription.orgId !== null && subscription.orgId !== orgId)) {
    return ignore(deps, 'foreign_subscription', id);
  }
  const at = applyingTo(deps, orgId);
  const applied = await db.transaction((tx) => applySubscription(tx, at, subscription, seq));
  if (applied === 'unknown price') {
    return ignore(deps, 'unknown_price', `${id} at ${subscription.priceId}`);
  }
  deps.wake();
  await endSuperseded(deps, { orgId });
  return applied;
}

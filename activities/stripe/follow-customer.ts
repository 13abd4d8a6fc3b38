import { applyCustomer } from '../../entities/apply-customer';
import { ownerOfCustomer } from '../../entities/billing-customer';
import { fetchTicket } from '../../entities/subscription';
import { applyingTo, ignore, type Reconciling } from './reconciling';

/** Fetches a customer again and applies what it says: name, address, card. `cause` is Stripe's id of what made us look. */
export async function followCustomer(
  deps: Reconciling,
  customerId: string,
  cause: string,
): Promise<string> {
  const { db, stripe } = deps;
  const orgId = await ownerOfCustomer(db, customerId);
  if (orgId === null) return ignore(deps, 'foreign_customer', customerId);
  const seq = await fetchTicket(db);
  const customer = await stripe.readCustomer(customerId);
  if (customer && customer.livemode !== stripe.livemode) {
    return ignore(deps, 'other_mode', customerId);
  }
  const at = applyingTo(deps, orgId);
  const changed = await db.transaction((tx) =>
    applyCustomer(tx, at, customerId, customer, seq, cause),
  );
  return changed ? 'applied' : 'nothing new';
}

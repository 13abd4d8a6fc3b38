import { supersededSubscriptions } from '../../entities/subscription';
import type { Reconciling } from './reconciling';

/** Who has bought another plan pays for it alone: what is alive beside it is ended at Stripe. Safe to repeat. */
export async function endSuperseded(
  { db, stripe, log }: Pick<Reconciling, 'db' | 'stripe' | 'log'>,
  { orgId }: { readonly orgId: string },
): Promise<void> {
  for (const id of await supersededSubscriptions(db, orgId)) {
    await stripe.cancelSubscription(id);
    log.info(
      { orgId, subscription: id },
      'a subscription was ended: another purchase took its place',
    );
  }
}

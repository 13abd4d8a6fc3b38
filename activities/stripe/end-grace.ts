import { followSubscription as followStored } from '../../entities/apply-subscription';
import { Organization, type BillingState } from '../../entities/organization';
import { lockOrganization } from '../../entities/seats';
import { currentSubscription, graceEnd } from '../../entities/subscription';
import { followSubscription } from './follow-subscription';
import { applyingTo, type Reconciling } from './reconciling';

/** An organization's time of grace as its workflow sees it. Times in ms since 1970. */
export interface GraceView {
  /** A payment has failed, and the days until only reads are left are running. */
  readonly isRunning: boolean;
  readonly billingState: BillingState;
  readonly planKey: string;
  readonly endsAt: number;
}

/** How an organization's time of grace stands, as stored. */
export async function readGrace(
  { db, clock, graceDays }: Reconciling,
  orgId: string,
): Promise<GraceView> {
  const { billingState, planKey } = await db
    .getRepository(Organization)
    .findOneByOrFail({ id: orgId });
  const subscription = await currentSubscription(db, orgId);
  const isPastDue = subscription?.status === 'past_due' && subscription.pastDueSince !== null;
  const endsAt = graceEnd(subscription ?? { pastDueSince: null }, graceDays, clock.now());
  return {
    isRunning: isPastDue && billingState === 'payment_failed',
    billingState,
    planKey,
    endsAt: endsAt.getTime(),
  };
}

/** Asks Stripe anew whether an organization has paid, and ends its time of grace where it hasn't and the days are over. */
export async function endGrace(deps: Reconciling, orgId: string): Promise<GraceView> {
  const subscription = await currentSubscription(deps.db, orgId);
  if (subscription) await followSubscription(deps, subscription.id);
  await deps.db.transaction(async (tx) => {
    const organization = await lockOrganization(tx, orgId);
    await followStored(tx, applyingTo(deps, orgId), organization);
  });
  deps.wake();
  return readGrace(deps, orgId);
}

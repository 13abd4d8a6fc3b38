import type { EntityManager } from 'typeorm';
import type { Catalog } from '../catalog/load-catalog';
import { appendAudit } from './audit-record';
import type { DeliverySchedule } from './delivery-schedule';
import type { Organization } from './organization';
import { emitEvent } from './publish-event';
import { lockOrganization } from './seats';
import {
  currentSubscription,
  planOfPrice,
  standingOf,
  storeSubscription,
  type FetchedSubscription,
} from './subscription';

export interface Applying {
  readonly orgId: string;
  readonly requestId: string;
  readonly now: Date;
  readonly schedule: DeliverySchedule;
  readonly catalog: Catalog;
  readonly graceDays: number;
}

/**
 * Brings an organization to what a fetched subscription says: plan, seats, billing state; once, however often it is
 * fetched, and never back to something older. Call it as the transaction's last act: it audits. Answers whether the
 * organization changed.
 */
export async function applySubscription(
  tx: EntityManager,
  applying: Applying,
  fetched: FetchedSubscription,
  seq: string,
): Promise<boolean> {
  const { orgId, catalog, now } = applying;
  const planKey = planOfPrice(catalog, fetched.lookupKey);
  if (planKey === null) return false;
  const organization = await lockOrganization(tx, orgId);
  const stored = await storeSubscription(tx, orgId, planKey, fetched, seq, now);
  if (!stored) return false;
  return followSubscription(tx, applying, organization);
}

/** Brings a locked organization to what its current subscription means at this moment (a time of grace may have ended). */
export async function followSubscription(
  tx: EntityManager,
  { orgId, requestId, now, schedule, graceDays }: Applying,
  organization: Organization,
): Promise<boolean> {
  const subscription = await currentSubscription(tx, orgId);
  const standing = subscription && standingOf(subscription, organization, graceDays, now);
  if (!subscription || !standing) return false;
  const before = factsOf(organization);
  if (standing.seats !== null || standing.planKey !== organization.planKey) {
    organization.seatLimit = standing.seats;
  }
  organization.planKey = standing.planKey;
  organization.billingState = standing.billingState;
  const after = factsOf(organization);
  if (JSON.stringify(before) === JSON.stringify(after)) return false;
  await tx.save(organization);
  const data = {
    subscriptionId: subscription.id,
    status: subscription.status,
    previous: before,
    current: after,
  };
  await emitEvent(tx, {
    orgId,
    livemode: true,
    type: 'billing.subscription.updated',
    data,
    requestId,
    now,
    schedule,
  });
  const fact = {
    action: 'billing.subscription.updated',
    actor: { type: 'stripe' as const, id: subscription.id },
    target: { type: 'organization', id: orgId },
    before,
    after,
    requestId,
  };
  await appendAudit(tx, orgId, [fact], now);
  return true;
}

function factsOf({ planKey, billingState, seatLimit }: Organization) {
  return { planKey, billingState, seats: seatLimit };
}

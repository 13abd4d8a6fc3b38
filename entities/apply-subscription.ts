import type { EntityManager } from 'typeorm';
import type { Catalog } from '../catalog/load-catalog';
import { appendAudit } from './audit-record';
import type { DeliverySchedule } from './delivery-schedule';
import type { BillingState, Organization } from './organization';
import { enqueue } from './outbox';
import { emitEvent } from './publish-event';
import { lockOrganization } from './seats';
import {
  currentSubscription,
  isAlive,
  planOfSubscription,
  standingOf,
  storeSubscription,
  subscriptionById,
  type FetchedSubscription,
  type StoredSubscription,
} from './subscription';

export interface Applying {
  readonly orgId: string;
  readonly requestId: string;
  readonly now: Date;
  readonly schedule: DeliverySchedule;
  readonly catalog: Catalog;
  readonly graceDays: number;
}

export type Applied = 'applied' | 'nothing new' | 'unknown price';

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
): Promise<Applied> {
  const { orgId, catalog, now } = applying;
  const organization = await lockOrganization(tx, orgId);
  const before = await subscriptionById(tx, fetched.id);
  const planKey = planOfSubscription(catalog, fetched, before);
  if (planKey === null) return 'unknown price';
  const stored = await storeSubscription(tx, orgId, planKey, fetched, seq, now);
  if (!stored || isAsBefore(before, stored)) return 'nothing new';
  const changed = await followSubscription(tx, applying, organization, { before, stored });
  return changed ? 'applied' : 'nothing new';
}

/** What decides nothing anew, so that a plan that an operator set stays. A time of grace may have ended without a change. */
const isAsBefore = (before: StoredSubscription | null, stored: StoredSubscription): boolean =>
  stored.status !== 'past_due' &&
  before?.status === stored.status &&
  before.planKey === stored.planKey &&
  before.quantity === stored.quantity;

interface Change {
  readonly before: StoredSubscription | null;
  readonly stored: StoredSubscription;
}

/**
 * Whether an organization goes by its current subscription: it is on its plan, or was until this change, or the
 * change is a purchase. Where an operator has moved it on, no payment that fails, comes late or ends takes that back.
 */
function follows(
  { planKey }: Organization,
  current: StoredSubscription,
  change: Change | undefined,
): boolean {
  // What is over decides once: when it ends.
  if (!isAlive(current) && !(change?.before && isAlive(change.before))) return false;
  const plansFollowed = [current.planKey, change?.before?.planKey, change?.stored.planKey];
  if (plansFollowed.includes(planKey)) return true;
  if (change?.stored.id !== current.id || !isAlive(current)) return false;
  const { before } = change;
  if (before === null || !isAlive(before)) return true;
  return before.planKey !== current.planKey || before.quantity !== current.quantity;
}

/**
 * Brings a locked organization to what its current subscription means at this moment (a time of grace may have ended).
 * An operator's own limit of seats stays until the plan or the bought seats change.
 */
export async function followSubscription(
  tx: EntityManager,
  applying: Applying,
  organization: Organization,
  change?: Change,
): Promise<boolean> {
  const { orgId, requestId, now, schedule, catalog, graceDays } = applying;
  const subscription = await currentSubscription(tx, orgId);
  if (!subscription) return false;
  const seatsIncluded = catalog.plan(subscription.planKey)?.seatsIncluded ?? 1;
  if (!follows(organization, subscription, change)) return false;
  const terms = { graceDays, seatsIncluded };
  const standing = standingOf(subscription, organization, terms, now);
  if (!standing) return false;
  const own = change?.stored.id === subscription.id ? change : undefined;
  const seatsChanged = own !== undefined && own.before?.quantity !== subscription.quantity;
  const before = factsOf(organization);
  if (seatsChanged || standing.planKey !== organization.planKey) {
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
  await keepGrace(tx, applying, before.billingState, after.billingState);
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

/** A time of grace that begins gets a workflow that ends it; one that is over wakes it. */
async function keepGrace(
  tx: EntityManager,
  { orgId, now }: Applying,
  before: BillingState,
  after: BillingState,
): Promise<void> {
  const [was, is] = [before === 'payment_failed', after === 'payment_failed'];
  if (was === is) return;
  const kind = is ? 'start_grace' : 'wake_grace';
  await enqueue(tx, { kind, ref: orgId, payload: { orgId } }, now);
}

function factsOf({ planKey, billingState, seatLimit }: Organization) {
  return { planKey, billingState, seats: seatLimit };
}

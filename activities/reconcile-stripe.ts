import type { DataSource } from 'typeorm';
import type { Catalog } from '../catalog/load-catalog';
import {
  followSubscription,
  applySubscription,
  type Applying,
} from '../entities/apply-subscription';
import { appendAudit } from '../entities/audit-record';
import { checkoutOfSession, readCheckout, type Checkout } from '../entities/checkout';
import { makeSession, ownerOfCustomer } from '../entities/checkout-session';
import type { DeliverySchedule } from '../entities/delivery-schedule';
import { abandonCheckout, completeCheckout } from '../entities/end-checkout';
import { lockOrganization } from '../entities/seats';
import {
  isRelevant,
  markApplied,
  noteSwept,
  readStripeEvent,
  storeStripeEvent,
  sweptUntil,
  type StripeEvent,
} from '../entities/stripe-event';
import { fetchTicket, overdueOrganizations } from '../entities/subscription';
import type { StripePort } from '../integrations/stripe';
import { DAY_MS, MINUTE_MS, type Clock } from '../platform/clock';
import { newId } from '../platform/ids';
import type { Log } from '../platform/log';

/** A checkout as its workflow sees it. Times in ms since 1970. */
export interface CheckoutView {
  readonly status: Checkout['status'];
  readonly planKey: string;
  readonly createdAt: number;
  readonly hasSession: boolean;
}

/** What reconciliation with Stripe asks of the world. Each is safe to repeat. */
export interface StripeActivities {
  /** Asks Stripe how a checkout stands and does what follows, once. */
  pollCheckout(checkoutId: string): Promise<CheckoutView | null>;
  /** Acts on an event: fetches the object it is about again and applies that. */
  applyStripeEvent(eventId: string): Promise<string>;
  /** Reads Stripe's own list since the last time, so that a lost webhook is found; ends times of grace. */
  sweepStripe(): Promise<{ readonly found: number; readonly overdue: number }>;
}

const OVERLAP_MS = 10 * MINUTE_MS;

export function createStripeActivities(deps: {
  readonly db: DataSource;
  readonly clock: Clock;
  readonly log: Log;
  readonly schedule: DeliverySchedule;
  readonly catalog: Catalog;
  readonly stripe: StripePort;
  readonly publicUrl: string;
  readonly graceDays: number;
  readonly wake: () => void;
}): StripeActivities {
  const { db, clock, log, schedule, catalog, stripe, publicUrl, graceDays, wake } = deps;
  const applying = (orgId: string, requestId: string): Applying => ({
    orgId,
    requestId,
    now: clock.now(),
    schedule,
    catalog,
    graceDays,
  });

  async function settle(checkout: Checkout): Promise<void> {
    if (checkout.status !== 'open') return;
    if (checkout.sessionId === null) {
      if (clock.now() >= checkout.expiresAt) await abandon(checkout, 'expired');
      else await makeSession(db, stripe, catalog, publicUrl, checkout, clock.now());
      return;
    }
    const session = await stripe.readSession(checkout.sessionId);
    if (!session || session.status === 'expired') return abandon(checkout, 'expired');
    if (session.status === 'open') {
      if (clock.now() >= checkout.expiresAt) await stripe.expireSession(session.id);
      return;
    }
    if (session.mode === 'setup') return complete(checkout, null);
    if (session.subscriptionId === null) return;
    const seq = await fetchTicket(db);
    const subscription = await stripe.readSubscription(session.subscriptionId);
    if (!subscription) return;
    if (session.isPaid) return complete(checkout, { subscription, seq });
    if (['incomplete_expired', 'canceled'].includes(subscription.status)) {
      await abandon(checkout, 'failed');
    }
  }

  async function complete(
    checkout: Checkout,
    bought: Parameters<typeof completeCheckout>[3],
  ): Promise<void> {
    const at = applying(checkout.orgId, checkout.requestId);
    await db.transaction((tx) => completeCheckout(tx, at, checkout, bought));
    wake();
  }

  async function abandon(checkout: Checkout, as: 'expired' | 'failed'): Promise<void> {
    const at = applying(checkout.orgId, checkout.requestId);
    await db.transaction((tx) => abandonCheckout(tx, at, checkout, as));
    wake();
  }

  async function syncSubscription(id: string): Promise<string> {
    const seq = await fetchTicket(db);
    const subscription = await stripe.readSubscription(id);
    if (!subscription) return 'no such subscription';
    const orgId = await ownerOfCustomer(db, subscription.customerId);
    if (orgId === null || (subscription.orgId !== null && subscription.orgId !== orgId)) {
      return ignored(`the subscription ${id} belongs to no organization here`);
    }
    const at = applying(orgId, newId('req'));
    const changed = await db.transaction((tx) => applySubscription(tx, at, subscription, seq));
    wake();
    return changed ? 'applied' : 'nothing new';
  }

  async function syncCard(customerId: string, event: StripeEvent): Promise<string> {
    const orgId = await ownerOfCustomer(db, customerId);
    if (orgId === null) return ignored(`${event.type} of a customer that is not ours`);
    const cardOnFile = await stripe.hasCard(customerId);
    await db.transaction(async (tx) => {
      const organization = await lockOrganization(tx, orgId);
      if (organization.cardOnFile === cardOnFile) return;
      organization.cardOnFile = cardOnFile;
      if (organization.planKey === 'payg') {
        organization.billingState = cardOnFile ? 'payg_active' : 'payg_pending_card';
      }
      await tx.save(organization);
      const fact = {
        action: cardOnFile ? 'billing.card.added' : 'billing.card.removed',
        actor: { type: 'stripe' as const, id: event.id },
        target: { type: 'organization', id: orgId },
        before: { cardOnFile: !cardOnFile },
        after: { cardOnFile },
      };
      await appendAudit(tx, orgId, [fact], clock.now());
    });
    return 'applied';
  }

  function ignored(reason: string): string {
    log.warn({ reason }, 'an event of Stripe is ignored');
    return 'ignored';
  }

  async function act(event: StripeEvent): Promise<string> {
    switch (event.objectType) {
      case 'checkout.session': {
        const checkout = await checkoutOfSession(db, event.objectId);
        if (!checkout) return ignored(`the session ${event.objectId} belongs to no checkout here`);
        await settle(checkout);
        return 'applied';
      }
      case 'subscription':
        return syncSubscription(event.objectId);
      case 'invoice': {
        const invoice = await stripe.readInvoice(event.objectId);
        return invoice?.subscriptionId ? syncSubscription(invoice.subscriptionId) : 'nothing new';
      }
      case 'customer':
        return syncCard(event.objectId, event);
      default:
        return 'recorded';
    }
  }

  return {
    async pollCheckout(checkoutId) {
      const before = await readCheckout(db, checkoutId);
      if (!before) return null;
      await settle(before);
      const after = (await readCheckout(db, checkoutId)) ?? before;
      return {
        status: after.status,
        planKey: after.planKey,
        createdAt: after.createdAt.getTime(),
        hasSession: after.sessionId !== null,
      };
    },

    async applyStripeEvent(eventId) {
      const event = await readStripeEvent(db, eventId);
      if (!event) return 'unknown event';
      const outcome = await act(event);
      await markApplied(db, eventId, outcome, clock.now());
      return outcome;
    },

    async sweepStripe() {
      const startedAt = clock.now();
      const until = (await sweptUntil(db)) ?? new Date(startedAt.getTime() - DAY_MS);
      const events = await stripe.eventsSince(new Date(until.getTime() - OVERLAP_MS));
      let found = 0;
      for (const event of [...events].reverse()) {
        if (!isRelevant(event.type)) continue;
        const isNew = await db.transaction((tx) => storeStripeEvent(tx, event, 'sweep', startedAt));
        if (isNew) found++;
      }
      await noteSwept(db, startedAt);
      const overdue = await overdueOrganizations(db, graceDays, startedAt);
      for (const orgId of overdue) {
        await db.transaction(async (tx) => {
          const organization = await lockOrganization(tx, orgId);
          await followSubscription(tx, applying(orgId, newId('req')), organization);
        });
      }
      if (found + overdue.length > 0) wake();
      return { found, overdue: overdue.length };
    },
  };
}

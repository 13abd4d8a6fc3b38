import type { EntityManager } from 'typeorm';
import { appendAudit, type AuditFact } from './audit-record';
import { applySubscription, type Applying } from './apply-subscription';
import { finishCheckout, type Checkout } from './checkout';
import { enqueue } from './outbox';
import { emitEvent } from './publish-event';
import { lockOrganization } from './seats';
import type { FetchedSubscription } from './subscription';

/**
 * Completes an open checkout, once: a subscription is applied, or a card is on file and pay as you go begins. Answers
 * whether this call did. What was bought is in force at commit.
 */
export async function completeCheckout(
  tx: EntityManager,
  applying: Applying,
  checkout: Checkout,
  bought: { readonly subscription: FetchedSubscription; readonly seq: string } | null,
): Promise<boolean> {
  const { orgId, now } = applying;
  await lockOrganization(tx, orgId);
  const finished = await finishCheckout(tx, checkout.id, 'completed', now);
  if (!finished) return false;
  if (!bought) await putCardOnFile(tx, applying, checkout.planKey);
  await tell(tx, applying, finished, 'billing.checkout.completed');
  await appendAudit(tx, orgId, [factOf(finished, 'completed')], now);
  if (bought) {
    // What was bought is the checkout's plan, also where its price has lost the lookup key meanwhile.
    const pricePlanKey = bought.subscription.pricePlanKey ?? checkout.planKey;
    const subscription = { ...bought.subscription, pricePlanKey };
    await applySubscription(tx, applying, subscription, bought.seq);
  }
  return true;
}

/** Ends an open checkout from which nothing came. Answers whether this call did. */
export async function abandonCheckout(
  tx: EntityManager,
  applying: Applying,
  checkout: Checkout,
  as: 'expired' | 'failed',
): Promise<boolean> {
  const finished = await finishCheckout(tx, checkout.id, as, applying.now);
  if (!finished) return false;
  await tell(tx, applying, finished, 'billing.checkout.expired');
  await appendAudit(tx, applying.orgId, [factOf(finished, as)], applying.now);
  return true;
}

async function putCardOnFile(
  tx: EntityManager,
  { orgId }: Applying,
  planKey: string,
): Promise<void> {
  const organization = await lockOrganization(tx, orgId);
  organization.cardOnFile = true;
  const begins = ['sandbox_grant', 'payg'].includes(organization.planKey) && planKey === 'payg';
  if (begins) {
    organization.planKey = 'payg';
    organization.billingState = 'payg_active';
  }
  await tx.save(organization);
}

async function tell(
  tx: EntityManager,
  { orgId, requestId, now, schedule }: Applying,
  checkout: Checkout,
  type: 'billing.checkout.completed' | 'billing.checkout.expired',
): Promise<void> {
  const { id, planKey, status } = checkout;
  const data = { checkoutId: id, planKey, status };
  await emitEvent(tx, { orgId, livemode: true, type, data, requestId, now, schedule });
  await enqueue(tx, { kind: 'wake_checkout', ref: id, payload: { orgId } }, now);
}

function factOf(checkout: Checkout, status: string): AuditFact {
  return {
    action: `checkout.${status}`,
    actor: { type: 'stripe', id: checkout.sessionId },
    target: { type: 'checkout', id: checkout.id },
    before: { status: 'open' },
    after: { status, planKey: checkout.planKey },
    requestId: checkout.requestId,
  };
}

import type { EntityManager } from 'typeorm';
import type { Applying } from './apply-subscription';
import { appendAudit } from './audit-record';
import { storeCustomer } from './billing-customer';
import { lockOrganization } from './seats';

/** A customer as it was fetched from Stripe. */
export interface FetchedCustomer {
  readonly email: string | null;
  readonly name: string | null;
  readonly hasCard: boolean;
}

/**
 * Brings an organization to what its fetched customer says: address, name, and whether a card is on file; never back to
 * something older. `cause` is Stripe's id of what made us look. Call it as the transaction's last act: it audits.
 * Answers whether the card changed.
 */
export async function applyCustomer(
  tx: EntityManager,
  { orgId, now, requestId }: Pick<Applying, 'orgId' | 'now' | 'requestId'>,
  customerId: string,
  fetched: FetchedCustomer | null,
  seq: string,
  cause: string,
): Promise<boolean> {
  const organization = await lockOrganization(tx, orgId);
  const stored = await storeCustomer(tx, customerId, fetched, seq, now);
  const cardOnFile = fetched?.hasCard ?? false;
  if (!stored || organization.cardOnFile === cardOnFile) return false;
  organization.cardOnFile = cardOnFile;
  if (organization.planKey === 'payg') {
    organization.billingState = cardOnFile ? 'payg_active' : 'payg_pending_card';
  }
  await tx.save(organization);
  const fact = {
    action: cardOnFile ? 'billing.card.added' : 'billing.card.removed',
    actor: { type: 'stripe' as const, id: cause },
    target: { type: 'organization', id: orgId },
    before: { cardOnFile: !cardOnFile },
    after: { cardOnFile },
    requestId,
  };
  await appendAudit(tx, orgId, [fact], now);
  return true;
}

import type { EntityManager } from 'typeorm';
import type { Applying } from './apply-subscription';
import { appendAudit } from './audit-record';
import { lockOrganization } from './seats';
import { run, statement } from './sql';

/** Money of a payment that goes back, or may: a refund, or a dispute. Amounts in the currency's smallest unit. */
export interface FetchedReversal {
  readonly id: string;
  readonly kind: 'refund' | 'dispute';
  readonly chargeId: string;
  readonly amount: number;
  readonly currency: string;
  readonly status: string;
  readonly reason: string | null;
  readonly createdAt: Date;
}

const upsert = statement<{ old_status: string | null; old_amount: string | null }>(
  'record-reversal',
  `INSERT INTO billing_reversals AS r (id, org_id, kind, stripe_charge_id, amount, currency, status, reason, fetch_seq,
     created_at, updated_at)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
   ON CONFLICT (id) DO UPDATE SET amount = $5, status = $7, reason = $8, fetch_seq = $9, updated_at = $11
   WHERE r.fetch_seq < $9 AND r.org_id = $2
   RETURNING old.status AS old_status, old.amount AS old_amount`,
);

/**
 * Records a refund or dispute as it was fetched, and every change of it once; never back to something older. `cause` is
 * Stripe's id of what made us look. Call it as the transaction's last act: it audits. Answers whether something was new.
 */
export async function recordReversal(
  tx: EntityManager,
  { orgId, now, requestId }: Pick<Applying, 'orgId' | 'now' | 'requestId'>,
  reversal: FetchedReversal,
  seq: string,
  cause: string,
): Promise<boolean> {
  const { id, kind, chargeId, amount, currency, status, reason, createdAt } = reversal;
  await lockOrganization(tx, orgId);
  const values = [id, orgId, kind, chargeId, amount, currency, status, reason, seq, createdAt, now];
  const [row] = await run(tx, upsert, values);
  if (!row) return false;
  const { old_status: oldStatus, old_amount: oldAmount } = row;
  const isFirst = oldStatus === null;
  if (!isFirst && oldStatus === status && Number(oldAmount) === amount) return false;
  const fact = {
    action: `billing.${kind}.${isFirst ? 'recorded' : 'updated'}`,
    actor: { type: 'stripe' as const, id: cause },
    target: { type: kind, id },
    before: isFirst ? null : { status: oldStatus, amount: Number(oldAmount) },
    after: { status, amount, currency, reason, chargeId },
    requestId,
  };
  await appendAudit(tx, orgId, [fact], now);
  return true;
}

import type { EntityManager } from 'typeorm';
import { HOUR_MS } from '../platform/clock';
import { newId } from '../platform/ids';
import { centsFromMicros } from '../platform/money';
import { newestApproval, insertApproval, type BudgetApproval } from './budget-approval';
import { readPeriod, type BudgetPeriod } from './budget-period';
import { mailApproval, type ApprovalMailing } from './approval-mail';
import type { DeliverySchedule } from './delivery-schedule';
import { ceilingOf } from './gate';
import { enqueue } from './outbox';
import { emitEvent } from './publish-event';
import type { Executor } from './sql';

export const APPROVAL_HOURS = 72;

interface Opening {
  readonly orgId: string;
  readonly period: string;
  readonly requestedBy: string;
  readonly requestId: string;
  readonly now: Date;
  readonly schedule: DeliverySchedule;
  readonly mailing: ApprovalMailing;
}

/** The approval that a crossing has to wait for, where one is open or was refused: nothing is opened for it again. */
export async function standingApproval(
  db: Executor,
  period: BudgetPeriod,
): Promise<BudgetApproval | null> {
  const ceilingMicros = ceilingOf(period);
  if (ceilingMicros === null) return null;
  const { orgId, period: month, budgetSeq } = period;
  const known = await newestApproval(db, { orgId, period: month, budgetSeq, ceilingMicros });
  return known && (known.status === 'pending' || known.status === 'rejected') ? known : null;
}

/**
 * Opens an approval for a crossing, once for the organization, month and ceiling, with its workflow's start, its event
 * and its mails in the same commit. Answers the one that stands already, or null where nothing needs approval now.
 */
export async function openApproval(
  tx: EntityManager,
  opening: Opening & {
    /** Opened by a person, who may name an amount; then a rejection before it doesn't stand in the way. */
    readonly byHand?: { readonly upToMicros: bigint | null; readonly note: string | null };
  },
): Promise<{ approval: BudgetApproval; opened: boolean } | null> {
  const { orgId, requestedBy, requestId, now, schedule, byHand } = opening;
  const period = await readPeriod(tx, orgId, opening.period, { forUpdate: true });
  const ceilingMicros = ceilingOf(period);
  if (ceilingMicros === null) return null;
  const standing = await standingApproval(tx, period);
  if (standing && !(byHand && standing.status === 'rejected')) {
    return { approval: standing, opened: false };
  }
  const approval = await insertApproval(tx, {
    id: newId('bap'),
    orgId,
    period: period.period,
    budgetSeq: period.budgetSeq,
    ceilingMicros,
    thresholdCents: centsFromMicros(period.thresholdMicros ?? 0n),
    accruedMicros: period.accruedMicros,
    askedUpToMicros: byHand?.upToMicros ?? null,
    requestedBy,
    note: byHand?.note ?? null,
    requestId,
    createdAt: now,
    expiresAt: new Date(Math.min(now.getTime() + APPROVAL_HOURS * HOUR_MS, endOf(period.period))),
  });
  if (!approval) return null;
  const summary = `${orgId}: spend of ${approval.period} over $${(centsFromMicros(ceilingMicros) / 100).toFixed(2)}`;
  await enqueue(tx, { kind: 'start_approval', ref: approval.id, payload: { orgId, summary } }, now);
  await emitEvent(tx, {
    orgId,
    livemode: true,
    type: 'billing.budget.approval_requested',
    data: approvalFacts(approval),
    requestId,
    now,
    schedule,
  });
  await mailApproval(tx, approval, 'asked', opening.mailing, now);
  return { approval, opened: true };
}

/** What events and audit records tell of an approval. */
export function approvalFacts(approval: BudgetApproval): Record<string, unknown> {
  const { id, status, period, thresholdCents, requestedBy, decidedBy, note } = approval;
  return {
    approvalId: id,
    status,
    invoicePeriod: period,
    thresholdCents,
    accruedUsageCents: centsFromMicros(approval.accruedMicros),
    approvedUpToCents:
      approval.approvedUpToMicros === null ? null : centsFromMicros(approval.approvedUpToMicros),
    requestedBy,
    decidedBy,
    note,
  };
}

/** When a month ends: ms since 1970. */
function endOf(period: string): number {
  const [year = 0, month = 1] = period.split('-').map(Number);
  return Date.UTC(year, month, 1);
}

import type { EntityManager } from 'typeorm';
import { HOUR_MS } from '../platform/clock';
import { newId } from '../platform/ids';
import { centsFromMicros } from '../platform/money';
import type { Actor, AuditFact } from './audit-record';
import {
  approvalFacts,
  newestApproval,
  insertApproval,
  statusAt,
  type BudgetApproval,
} from './budget-approval';
import { readPeriod, type BudgetPeriod } from './budget-period';
import { mailApproval, type ApprovalMailing } from './approval-mail';
import { lapseApproval } from './decide-approval';
import type { DeliverySchedule } from './delivery-schedule';
import { ceilingOf } from './gate';
import { enqueue } from './outbox';
import { emitEvent } from './publish-event';
import type { Executor } from './sql';

export const APPROVAL_HOURS = 72;

const SYSTEM = { type: 'system', id: null } as const;

interface Opening {
  readonly orgId: string;
  readonly period: string;
  readonly requestedBy: string;
  readonly requestId: string;
  readonly now: Date;
  readonly schedule: DeliverySchedule;
  readonly mailing: ApprovalMailing;
}

/**
 * The approval that a crossing has to wait for, where one is open or was refused: nothing is opened for it again. One
 * past its time stands no more, though its workflow may be late to write that.
 */
export async function standingApproval(
  db: Executor,
  period: BudgetPeriod,
  now: Date,
): Promise<BudgetApproval | null> {
  const known = await latestApproval(db, period);
  if (!known) return null;
  const status = statusAt(known, now);
  return status === 'pending' || status === 'rejected' ? known : null;
}

async function latestApproval(db: Executor, period: BudgetPeriod): Promise<BudgetApproval | null> {
  const ceilingMicros = ceilingOf(period);
  if (ceilingMicros === null) return null;
  const { orgId, period: month, budgetSeq } = period;
  return newestApproval(db, { orgId, period: month, budgetSeq, ceilingMicros });
}

/**
 * Opens an approval for a crossing, once for the organization, month and ceiling, with its workflow's start, its event
 * and its mails in the same commit. Answers the one that stands already, or null where nothing needs approval now, and what to append
 * to the audit chain.
 */
export async function openApproval(
  tx: EntityManager,
  opening: Opening & {
    /** Opened by a person, who may name an amount; then a rejection before it doesn't stand in the way. */
    readonly byHand?: {
      readonly upToMicros: bigint | null;
      readonly note: string | null;
      readonly actor: Actor;
    };
  },
): Promise<{ approval: BudgetApproval; opened: boolean; facts: AuditFact[] } | null> {
  const { orgId, requestedBy, requestId, now, schedule, byHand } = opening;
  const period = await readPeriod(tx, orgId, opening.period, { forUpdate: true });
  const ceilingMicros = ceilingOf(period);
  if (ceilingMicros === null) return null;
  const facts = await lapseOverdue(tx, period, opening);
  const standing = await standingApproval(tx, period, now);
  if (standing && !(byHand && standing.status === 'rejected')) {
    return { approval: standing, opened: false, facts };
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
  const requested: AuditFact = {
    action: 'budget_approval.requested',
    actor: byHand?.actor ?? SYSTEM,
    target: { type: 'budget_approval', id: approval.id },
    after: approvalFacts(approval),
    requestId,
  };
  return { approval, opened: true, facts: [...facts, requested] };
}

/** Lets an approval past its time lapse where its workflow hasn't yet: Temporal may be away, the gate must go on. */
async function lapseOverdue(
  tx: EntityManager,
  period: BudgetPeriod,
  { requestId, now, schedule }: Opening,
): Promise<AuditFact[]> {
  const known = await latestApproval(tx, period);
  if (known?.status !== 'pending' || statusAt(known, now) !== 'expired') return [];
  const at = { actor: SYSTEM, requestId, now, schedule };
  const lapsed = await lapseApproval(tx, known.id, 'expired', at);
  return lapsed?.fact ? [lapsed.fact] : [];
}

/** When a month ends: ms since 1970. */
function endOf(period: string): number {
  const [year = 0, month = 1] = period.split('-').map(Number);
  return Date.UTC(year, month, 1);
}

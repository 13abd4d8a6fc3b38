import type { EntityManager } from 'typeorm';
import { Fault, invalidInput } from '../platform/fault';
import { centsFromMicros, MICROS_PER_CENT } from '../platform/money';
import type { Actor, AuditFact } from './audit-record';
import {
  approvalFacts,
  endApproval,
  requireApproval,
  statusAt,
  type ApprovalStatus,
  type BudgetApproval,
} from './budget-approval';
import { readPeriod, type BudgetPeriod } from './budget-period';
import type { DeliverySchedule } from './delivery-schedule';
import { enqueue } from './outbox';
import { emitEvent } from './publish-event';
import { run, statement } from './sql';

/** The most that can be approved where there is no cap: what a budget may hold at all, 10^11 cents. */
export const MOST_CENTS = 100_000_000_000;

export interface Decision {
  readonly approvalId: string;
  /** Whose it must be; null: anybody's. */
  readonly orgId: string | null;
  readonly act: 'approve' | 'reject' | 'withdraw';
  /** Micro-dollars; without, what was asked for, else up to the cap. */
  readonly upToMicros: bigint | null;
  readonly note: string | null;
  /** Who decides, as it is recorded. */
  readonly by: string | null;
  readonly actor: Actor;
  readonly requestId: string;
  readonly now: Date;
  readonly schedule: DeliverySchedule;
}

const STATUS_OF = { approve: 'approved', reject: 'rejected', withdraw: 'withdrawn' } as const;

const letThrough = statement(
  'approve-period',
  `UPDATE budget_periods SET approved_up_to_micros = $3 WHERE org_id = $1 AND period = $2`,
);

/**
 * Decides a pending approval, in force at commit, whoever asks: API, link, operator's signal. The same decision again
 * answers the first; another one, or one that comes too late, throws conflict. Answers what to audit, null for a repetition.
 */
export async function decideApproval(
  tx: EntityManager,
  decision: Decision,
): Promise<{ approval: BudgetApproval; fact: AuditFact | null }> {
  const { act, now, by } = decision;
  const { approval, period } = await lockBoth(tx, decision.approvalId, decision.orgId);
  if (approval.status !== 'pending') {
    return { approval: decidedBefore(approval, decision), fact: null };
  }
  if (statusAt(approval, now) === 'expired') throw tooLate('expired');
  if (act === 'approve' && period.requireOtherApprover && by === approval.requestedBy) {
    throw new Fault('insufficient_scope', {
      message:
        'The budget asks for another approver than the one whose request crossed the threshold.',
      hint: 'Let another billing manager decide.',
      details: { required: ['billing:manage'] },
    });
  }
  let approvedUpToMicros: bigint | null = null;
  if (act === 'approve') {
    const most = period.capMicros ?? BigInt(MOST_CENTS) * MICROS_PER_CENT;
    approvedUpToMicros = decision.upToMicros ?? approval.askedUpToMicros ?? most;
    requireSensible(approvedUpToMicros, approval.ceilingMicros, period.capMicros);
    await run(tx, letThrough, [approval.orgId, approval.period, approvedUpToMicros]);
  }
  return conclude(tx, approval, decision, STATUS_OF[act], approvedUpToMicros);
}

/** Ends a pending approval without anybody's decision; null where somebody was faster. */
export async function lapseApproval(
  tx: EntityManager,
  approvalId: string,
  status: 'expired' | 'superseded',
  at: Pick<Decision, 'actor' | 'requestId' | 'now' | 'schedule'>,
): Promise<{ approval: BudgetApproval; fact: AuditFact | null } | null> {
  const { approval } = await lockBoth(tx, approvalId, null);
  if (approval.status !== 'pending') return null;
  return conclude(tx, approval, { ...at, by: null, note: null }, status, null);
}

const findPending = statement<{ id: string }>(
  'pending-approvals',
  `SELECT id FROM budget_approvals WHERE org_id = $1 AND status = 'pending' ORDER BY id`,
);

/** Supersedes everything that waits for a decision under a budget that was changed. Answers what to audit. */
export async function supersedeApprovals(
  tx: EntityManager,
  orgId: string,
  at: Pick<Decision, 'actor' | 'requestId' | 'now' | 'schedule'>,
): Promise<AuditFact[]> {
  const facts: AuditFact[] = [];
  for (const { id } of await run(tx, findPending, [orgId])) {
    const lapsed = await lapseApproval(tx, id, 'superseded', at);
    if (lapsed?.fact) facts.push(lapsed.fact);
  }
  return facts;
}

/** The month's row first, then the approval: everybody locks in this order. */
async function lockBoth(
  tx: EntityManager,
  approvalId: string,
  orgId: string | null,
): Promise<{ approval: BudgetApproval; period: BudgetPeriod }> {
  const seen = await requireApproval(tx, approvalId, orgId);
  const period = await readPeriod(tx, seen.orgId, seen.period, { forUpdate: true });
  return { approval: await requireApproval(tx, approvalId, orgId, { forUpdate: true }), period };
}

async function conclude(
  tx: EntityManager,
  before: BudgetApproval,
  at: Pick<Decision, 'actor' | 'requestId' | 'now' | 'schedule' | 'by' | 'note'>,
  status: Exclude<ApprovalStatus, 'pending'>,
  approvedUpToMicros: bigint | null,
): Promise<{ approval: BudgetApproval; fact: AuditFact | null }> {
  const { now, note, by, actor, requestId, schedule } = at;
  const end = { status, decidedBy: by, note, approvedUpToMicros, now };
  const approval = await endApproval(tx, before.id, end);
  if (!approval) throw new Error(`the locked approval ${before.id} was not pending`);
  const { orgId } = approval;
  const data = approvalFacts(approval);
  const type = 'billing.budget.approval_resolved';
  await emitEvent(tx, { orgId, livemode: true, type, data, requestId, now, schedule });
  await enqueue(tx, { kind: 'wake_approval', ref: approval.id, payload: { orgId } }, now);
  const fact: AuditFact = {
    action: `budget_approval.${status}`,
    actor,
    target: { type: 'budget_approval', id: approval.id },
    before: { status: before.status },
    after: data,
    requestId,
  };
  return { approval, fact };
}

/** The first decision, where this one is the same. Throws conflict where it is another. */
function decidedBefore(approval: BudgetApproval, { act, upToMicros }: Decision): BudgetApproval {
  const sameAmount = upToMicros === null || upToMicros === approval.approvedUpToMicros;
  if (approval.status === STATUS_OF[act] && sameAmount) return approval;
  throw tooLate(approval.status);
}

function tooLate(status: ApprovalStatus): Fault {
  return new Fault('conflict', {
    message: `This approval is ${status} already.`,
    hint: 'Open a new one with POST /v1/billing/budget/approvals, or change the budget.',
    details: { status },
  });
}

function requireSensible(upTo: bigint, ceiling: bigint, cap: bigint | null): void {
  if (cap !== null && upTo > cap) {
    throw invalidInput('upToCents', `must not exceed the cap of ${centsFromMicros(cap)} cents`);
  }
  if (upTo <= ceiling && !(cap !== null && upTo === cap)) {
    throw invalidInput(
      'upToCents',
      `must be more than the ${centsFromMicros(ceiling)} cents approved`,
    );
  }
}

import type { DataSource } from 'typeorm';
import type { EntityManager } from 'typeorm';
import { mailApproval, type ApprovalMailing } from '../entities/approval-mail';
import { appendAudit, changeLine, type AuditFact } from '../entities/audit-record';
import { readApproval, requireApproval, type ApprovalStatus } from '../entities/budget-approval';
import { decideApproval, lapseApproval, MOST_CENTS } from '../entities/decide-approval';
import type { DeliverySchedule } from '../entities/delivery-schedule';
import { markReminded } from '../entities/remind-approval';
import type { Clock } from '../platform/clock';
import { Fault } from '../platform/fault';
import type { Log } from '../platform/log';
import { centsFromMicros, microsFromCents } from '../platform/money';

/** An approval as its workflow sees it. Plain JSON; times in ms since 1970. */
export interface ApprovalView {
  readonly status: ApprovalStatus;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** Reminders that were sent. */
  readonly reminders: number;
  readonly ceilingCents: number;
  readonly period: string;
  readonly decidedBy: string | null;
  readonly approvedUpToCents: number | null;
}

/** What an operator's `decide` signal carries. */
export interface DecideSignal {
  readonly decision: 'approve' | 'reject';
  readonly upToCents?: number;
  readonly note?: string;
  /** Who decides; `temporal signal` unless said. */
  readonly by?: string;
}

/** What an approval's workflow asks of the world. Each is safe to repeat. */
export interface ApprovalActivities {
  readBudgetApproval(approvalId: string): Promise<ApprovalView | null>;
  /** Reminds the billing managers for the n-th time, once. */
  remindApprovers(approvalId: string, reminder: number): Promise<void>;
  expireBudgetApproval(approvalId: string): Promise<void>;
  /** Carries out a signal. Answers why not, where it can't be. */
  decideBudgetApproval(approvalId: string, signal: DecideSignal): Promise<string | null>;
  withdrawBudgetApproval(approvalId: string): Promise<string | null>;
}

/** A signal's text as Postgres can hold it. */
const plain = (text: string, most: number): string =>
  text.slice(0, most).replaceAll('\u0000', '').toWellFormed();

const SYSTEM = { type: 'system', id: null } as const;

export function createApprovalActivities(deps: {
  readonly db: DataSource;
  readonly clock: Clock;
  readonly log: Log;
  readonly schedule: DeliverySchedule;
  readonly mailing: ApprovalMailing;
  /** Tells the workers of new commands and deliveries. */
  readonly wake: () => void;
}): ApprovalActivities {
  const { db, clock, log, schedule, mailing, wake } = deps;

  /** One transaction with its audit record last; a fault of the decision's own is an answer, not an error. */
  async function change(
    orgId: string,
    act: (tx: EntityManager) => Promise<AuditFact | null | undefined>,
  ): Promise<string | null> {
    try {
      const changed = await db.transaction(async (tx) => {
        const fact = await act(tx);
        if (fact) await appendAudit(tx, orgId, [fact], clock.now());
        return fact;
      });
      if (changed) log.info(changeLine(orgId, changed), 'changed');
      wake();
      return null;
    } catch (error) {
      if (error instanceof Fault && !error.retryable) return error.message;
      throw error;
    }
  }

  async function decide(
    approvalId: string,
    act: 'approve' | 'reject' | 'withdraw',
    signal: Partial<DecideSignal>,
  ): Promise<string | null> {
    const { orgId, requestId } = await requireApproval(db, approvalId, null);
    const by = typeof signal.by === 'string' ? plain(signal.by, 200) : 'temporal signal';
    const upTo = signal.upToCents;
    if (upTo !== undefined && (!Number.isInteger(upTo) || upTo < 1 || upTo > MOST_CENTS)) {
      return `upToCents must be a whole number from 1 to ${MOST_CENTS}`;
    }
    return change(orgId, async (tx) => {
      const { fact } = await decideApproval(tx, {
        approvalId,
        orgId: null,
        act,
        upToMicros: upTo === undefined ? null : microsFromCents(upTo),
        note: typeof signal.note === 'string' ? plain(signal.note, 1_000) : null,
        by,
        actor: { type: 'operator', id: by },
        requestId,
        now: clock.now(),
        schedule,
      });
      return fact;
    });
  }

  return {
    async readBudgetApproval(approvalId) {
      const approval = await readApproval(db, approvalId);
      if (!approval) return null;
      const { status, createdAt, expiresAt, reminders, period, decidedBy } = approval;
      return {
        status,
        createdAt: createdAt.getTime(),
        expiresAt: expiresAt.getTime(),
        reminders,
        ceilingCents: centsFromMicros(approval.ceilingMicros),
        period,
        decidedBy,
        approvedUpToCents:
          approval.approvedUpToMicros === null
            ? null
            : centsFromMicros(approval.approvedUpToMicros),
      };
    },

    async remindApprovers(approvalId, reminder) {
      await db.transaction(async (tx) => {
        if (!(await markReminded(tx, approvalId, reminder))) return;
        const approval = await requireApproval(tx, approvalId, null);
        await mailApproval(tx, approval, 'reminder', mailing, clock.now());
      });
      wake();
    },

    async expireBudgetApproval(approvalId) {
      const { orgId, requestId } = await requireApproval(db, approvalId, null);
      await change(orgId, async (tx) => {
        const at = { actor: SYSTEM, requestId, now: clock.now(), schedule };
        return (await lapseApproval(tx, approvalId, 'expired', at))?.fact;
      });
    },

    async decideBudgetApproval(approvalId, signal) {
      if (signal?.decision !== 'approve' && signal?.decision !== 'reject') {
        return 'decide needs {"decision":"approve"} or {"decision":"reject"}';
      }
      return decide(approvalId, signal.decision, signal);
    },

    withdrawBudgetApproval: (approvalId) => decide(approvalId, 'withdraw', {}),
  };
}

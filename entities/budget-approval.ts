import type { EntityManager } from 'typeorm';
import { Fault } from '../platform/fault';
import { centsFromMicros } from '../platform/money';
import { run, statement, type Executor, type Statement } from './sql';

export type ApprovalStatus =
  'pending' | 'approved' | 'rejected' | 'expired' | 'superseded' | 'withdrawn';

/** A question to people: may spend of this month go over its ceiling? Amounts in micro-dollars. */
export interface BudgetApproval {
  readonly id: string;
  readonly orgId: string;
  readonly period: string;
  readonly budgetSeq: number;
  readonly ceilingMicros: bigint;
  readonly status: ApprovalStatus;
  readonly thresholdCents: number;
  readonly accruedMicros: bigint;
  readonly askedUpToMicros: bigint | null;
  readonly approvedUpToMicros: bigint | null;
  /** Whose request crossed the threshold, or who opened it by hand. */
  readonly requestedBy: string;
  readonly decidedBy: string | null;
  readonly note: string | null;
  readonly requestId: string;
  readonly reminders: number;
  readonly createdAt: Date;
  readonly decidedAt: Date | null;
  readonly expiresAt: Date;
}

/** What an approval is at a moment: one past its time has expired, whether or not its workflow came to write it. */
export function statusAt({ status, expiresAt }: BudgetApproval, now: Date): ApprovalStatus {
  return status === 'pending' && expiresAt <= now ? 'expired' : status;
}

interface ApprovalRow {
  readonly id: string;
  readonly org_id: string;
  readonly period: string;
  readonly budget_seq: number;
  readonly ceiling_micros: string;
  readonly status: ApprovalStatus;
  readonly threshold_cents: string;
  readonly accrued_micros: string;
  readonly asked_up_to_micros: string | null;
  readonly approved_up_to_micros: string | null;
  readonly requested_by: string;
  readonly decided_by: string | null;
  readonly note: string | null;
  readonly request_id: string;
  readonly reminders: number;
  readonly created_at: Date;
  readonly decided_at: Date | null;
  readonly expires_at: Date;
}

const big = (text: string | null): bigint | null => (text === null ? null : BigInt(text));

function approvalOf(row: ApprovalRow): BudgetApproval {
  return {
    id: row.id,
    orgId: row.org_id,
    period: row.period,
    budgetSeq: row.budget_seq,
    ceilingMicros: BigInt(row.ceiling_micros),
    status: row.status,
    thresholdCents: Number(row.threshold_cents),
    accruedMicros: BigInt(row.accrued_micros),
    askedUpToMicros: big(row.asked_up_to_micros),
    approvedUpToMicros: big(row.approved_up_to_micros),
    requestedBy: row.requested_by,
    decidedBy: row.decided_by,
    note: row.note,
    requestId: row.request_id,
    reminders: row.reminders,
    createdAt: row.created_at,
    decidedAt: row.decided_at,
    expiresAt: row.expires_at,
  };
}

const find = statement<ApprovalRow>(
  'find-approval',
  `SELECT * FROM budget_approvals WHERE id = $1`,
);
const lock = statement<ApprovalRow>(
  'lock-approval',
  `SELECT * FROM budget_approvals WHERE id = $1 FOR UPDATE`,
);
const newest = statement<ApprovalRow>(
  'newest-approval',
  `SELECT * FROM budget_approvals WHERE org_id = $1 AND period = $2 AND budget_seq = $3 AND ceiling_micros = $4
   ORDER BY id DESC LIMIT 1`,
);
const page = statement<ApprovalRow>(
  'list-approvals',
  `SELECT * FROM budget_approvals WHERE org_id = $1 AND ($2::text IS NULL
       OR CASE WHEN status = 'pending' AND expires_at <= $5 THEN 'expired' ELSE status END = $2)
     AND ($3::text IS NULL OR id < $3) ORDER BY id DESC LIMIT $4`,
);
const insert = statement<ApprovalRow>(
  'insert-approval',
  `INSERT INTO budget_approvals (id, org_id, period, budget_seq, ceiling_micros, status, threshold_cents,
     accrued_micros, asked_up_to_micros, requested_by, note, request_id, created_at, expires_at)
   VALUES ($1, $2, $3, $4, $5, 'pending', $6, $7, $8, $9, $10, $11, $12, $13)
   ON CONFLICT (org_id, period, budget_seq, ceiling_micros) WHERE status = 'pending' DO NOTHING RETURNING *`,
);
const end = statement<ApprovalRow>(
  'end-approval',
  `UPDATE budget_approvals SET status = $2, decided_by = $3, note = coalesce($4, note),
     approved_up_to_micros = $5, decided_at = $6
   WHERE id = $1 AND status = 'pending' RETURNING *`,
);

async function one(
  db: Executor,
  query: Statement<ApprovalRow>,
  values: readonly unknown[],
): Promise<BudgetApproval | null> {
  const [row] = await run(db, query, values);
  return row ? approvalOf(row) : null;
}

export const readApproval = (db: Executor, id: string): Promise<BudgetApproval | null> =>
  one(db, find, [id]);

/** An approval of an organization (any, for null), locked where a transaction is given for it. Throws not_found. */
export async function requireApproval(
  db: Executor,
  id: string,
  orgId: string | null,
  options: { readonly forUpdate?: boolean } = {},
): Promise<BudgetApproval> {
  const approval = await one(db, options.forUpdate ? lock : find, [id]);
  if (!approval || (orgId !== null && approval.orgId !== orgId)) throw new Fault('not_found');
  return approval;
}

/** The latest answer to the question whether spend may go over this ceiling. */
export const newestApproval = (
  db: Executor,
  at: Pick<BudgetApproval, 'orgId' | 'period' | 'budgetSeq' | 'ceilingMicros'>,
): Promise<BudgetApproval | null> =>
  one(db, newest, [at.orgId, at.period, at.budgetSeq, at.ceilingMicros]);

/** One page, newest first, and a row too many where there are more. */
export async function listApprovals(
  db: Executor,
  orgId: string,
  filter: {
    readonly status: string | null;
    readonly after: string | null;
    readonly limit: number;
    readonly now: Date;
  },
): Promise<BudgetApproval[]> {
  const { status, after, limit, now } = filter;
  const rows = await run(db, page, [orgId, status, after, limit + 1, now]);
  return rows.map(approvalOf);
}

/** Stores a pending approval; null where one is pending already. */
export const insertApproval = (
  tx: EntityManager,
  approval: Omit<
    BudgetApproval,
    'status' | 'approvedUpToMicros' | 'decidedBy' | 'reminders' | 'decidedAt'
  >,
): Promise<BudgetApproval | null> =>
  one(tx, insert, [
    approval.id,
    approval.orgId,
    approval.period,
    approval.budgetSeq,
    approval.ceilingMicros,
    approval.thresholdCents,
    approval.accruedMicros,
    approval.askedUpToMicros,
    approval.requestedBy,
    approval.note,
    approval.requestId,
    approval.createdAt,
    approval.expiresAt,
  ]);

/** Ends a pending approval; null where it has ended already: whoever comes first decides. */
export const endApproval = (
  tx: EntityManager,
  id: string,
  as: {
    readonly status: Exclude<ApprovalStatus, 'pending'>;
    readonly decidedBy: string | null;
    readonly note: string | null;
    readonly approvedUpToMicros: bigint | null;
    readonly now: Date;
  },
): Promise<BudgetApproval | null> =>
  one(tx, end, [id, as.status, as.decidedBy, as.note, as.approvedUpToMicros, as.now]);

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

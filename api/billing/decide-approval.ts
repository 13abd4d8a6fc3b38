import { z } from 'zod';
import { decideApproval } from '../../entities/decide-approval';
import { microsFromCents } from '../../platform/money';
import { actorOf, operation, type HandleArguments } from '../http/operation';
import { id, text } from '../http/schemas';
import { approvalReply, presentApproval } from './present-approval';
import { requireLiveSight } from './read-approvals';

const approvalId = id('bap');
const note = text(1_000).nullish();
const shared = {
  method: 'post',
  tag: 'billing',
  scope: 'billing:manage',
  transaction: 'one',
  reply: approvalReply,
} as const;

export const approveBudget = operation({
  ...shared,
  name: 'approveBudget',
  path: '/v1/billing/budget/approvals/:approvalId/approve',
  summary: 'Let spend go over the threshold, up to an amount; the waiting work passes at once',
  audits: 'budget_approval.approved',
  input: z.object({ approvalId, upToCents: z.int().min(1).max(100_000_000_000).nullish(), note }),
  handle: (args) => decide('approve', args),
});

export const rejectBudget = operation({
  ...shared,
  name: 'rejectBudget',
  path: '/v1/billing/budget/approvals/:approvalId/reject',
  summary: 'Refuse: the gate goes on answering 402 until the budget changes or the month ends',
  audits: 'budget_approval.rejected',
  input: z.object({ approvalId, note }),
  handle: (args) => decide('reject', args),
});

export const withdrawBudgetApproval = operation({
  ...shared,
  name: 'withdrawBudgetApproval',
  path: '/v1/billing/budget/approvals/:approvalId/withdraw',
  summary: 'Take the question back',
  audits: 'budget_approval.withdrawn',
  input: z.object({ approvalId, note }),
  handle: (args) => decide('withdraw', args),
});

interface DecisionInput {
  readonly approvalId: string;
  readonly upToCents?: number | null | undefined;
  readonly note?: string | null | undefined;
}

async function decide(
  act: 'approve' | 'reject' | 'withdraw',
  {
    tx,
    input,
    caller,
    now,
    requestId,
    context,
    audit,
    afterCommit,
  }: HandleArguments<DecisionInput, 'one'>,
) {
  requireLiveSight(caller);
  const { approval, fact } = await decideApproval(tx, {
    approvalId: input.approvalId,
    orgId: caller.orgId,
    act,
    upToMicros: input.upToCents ? microsFromCents(input.upToCents) : null,
    note: input.note ?? null,
    by: caller.principalId,
    actor: actorOf(caller),
    requestId,
    now,
    schedule: context.schedule,
  });
  if (fact) audit(fact);
  afterCommit(() => {
    context.wake('command');
    context.wake('delivery');
  });
  return presentApproval(approval, now);
}

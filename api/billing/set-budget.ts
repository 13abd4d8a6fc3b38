import { z } from 'zod';
import { changeBudget } from '../../entities/change-budget';
import { supersedeApprovals } from '../../entities/decide-approval';
import { emitEvent } from '../../entities/publish-event';
import { invoicePeriod } from '../../platform/clock';
import { Fault } from '../../platform/fault';
import { actorOf, operation } from '../http/operation';
import { budgetReply, presentBudget } from './present-budget';

const cents = z.int().min(0).max(100_000_000_000).nullish();

export const setBudget = operation({
  name: 'setBudget',
  method: 'put',
  path: '/v1/billing/budget',
  summary: 'Change spend cap, soft cap and approval threshold: null clears, absent keeps',
  tag: 'billing',
  scope: 'billing:manage',
  transaction: 'one',
  audits: ['billing.budget.updated', 'budget_approval.superseded'],
  input: z.object({
    spendCapCents: cents,
    softCapCents: cents,
    approvalThresholdCents: cents,
    requireOtherApprover: z.boolean().nullish(),
  }),
  reply: z.object({ object: z.literal('billing_budget_update'), budget: budgetReply }),
  async handle({ tx, input, caller, now, requestId, context, audit, afterCommit }) {
    if (!caller.livemode) {
      throw new Fault('insufficient_scope', {
        message: 'A test key cannot change the budget: test traffic costs nothing.',
        details: { required: ['billing:manage'] },
      });
    }
    const { orgId } = caller;
    const { previous, current, limitsChanged, period } = await changeBudget(
      tx,
      orgId,
      input,
      invoicePeriod(now),
    );
    const actor = actorOf(caller);
    const { schedule } = context;
    await emitEvent(tx, {
      orgId,
      livemode: true,
      type: 'billing.budget.updated',
      data: { actor, requestId, previous, current },
      requestId,
      now,
      schedule,
    });
    if (limitsChanged) {
      const superseded = await supersedeApprovals(tx, orgId, { actor, requestId, now, schedule });
      for (const fact of superseded) audit(fact);
    }
    audit({
      action: 'billing.budget.updated',
      target: { type: 'organization', id: orgId },
      before: { ...previous },
      after: { ...current },
    });
    afterCommit(() => {
      context.wake('delivery');
      context.wake('command');
    });
    return { object: 'billing_budget_update' as const, budget: presentBudget(period, now) };
  },
});

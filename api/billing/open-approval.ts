import { z } from 'zod';
import { readPeriod } from '../../entities/budget-period';
import { openApproval } from '../../entities/open-approval';
import { ceilingOf } from '../../entities/gate';
import { invoicePeriod } from '../../platform/clock';
import { Fault, invalidInput } from '../../platform/fault';
import { centsFromMicros, microsFromCents } from '../../platform/money';
import { actorOf, operation } from '../http/operation';
import { text } from '../http/schemas';
import { approvalReply, presentApproval } from './present-approval';
import { requireLiveSight } from './read-approvals';

export const openBudgetApproval = operation({
  name: 'openBudgetApproval',
  method: 'post',
  path: '/v1/billing/budget/approvals',
  summary: 'Ask for spend over the threshold before work needs it',
  tag: 'billing',
  scope: 'billing:manage',
  transaction: 'one',
  status: 201,
  audits: ['budget_approval.requested', 'budget_approval.expired'],
  input: z.object({
    upToCents: z.int().min(1).max(100_000_000_000).nullish(),
    note: text(1_000).nullish(),
  }),
  reply: approvalReply,
  async handle({ tx, input, caller, now, requestId, context, audit, afterCommit }) {
    requireLiveSight(caller);
    const { orgId } = caller;
    const month = invoicePeriod(now);
    const period = await readPeriod(tx, orgId, month, { forUpdate: true });
    const ceiling = ceilingOf(period);
    if (ceiling === null) {
      throw new Fault('conflict', {
        message: 'The budget has no approval threshold, so that nothing needs an approval.',
        hint: 'Set approvalThresholdCents with PUT /v1/billing/budget first.',
      });
    }
    const upToMicros = input.upToCents ? microsFromCents(input.upToCents) : null;
    if (upToMicros !== null && upToMicros <= ceiling) {
      throw invalidInput(
        'upToCents',
        `must be more than the ${centsFromMicros(ceiling)} cents allowed`,
      );
    }
    if (upToMicros !== null && period.capMicros !== null && upToMicros > period.capMicros) {
      throw invalidInput('upToCents', 'must not exceed the spend cap');
    }
    const asked = await openApproval(tx, {
      orgId,
      period: month,
      requestedBy: caller.principalId,
      requestId,
      now,
      schedule: context.schedule,
      mailing: context.approvalMailing,
      byHand: { upToMicros, note: input.note ?? null, actor: actorOf(caller) },
    });
    if (!asked?.opened) {
      throw new Fault('conflict', {
        message: 'An approval is waiting for its decision already.',
        details: { approvalId: asked?.approval.id ?? null },
      });
    }
    const { approval, facts } = asked;
    for (const fact of facts) audit(fact);
    afterCommit(() => {
      context.wake('command');
      context.wake('delivery');
    });
    return presentApproval(approval, now);
  },
});

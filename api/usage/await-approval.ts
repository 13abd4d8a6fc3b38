import { appendAudit } from '../../entities/audit-record';
import type { BudgetApproval } from '../../entities/budget-approval';
import type { BudgetPeriod } from '../../entities/budget-period';
import { openApproval, standingApproval } from '../../entities/open-approval';
import type { ApiContext } from '../http/operation';

/**
 * The approval that a crossing waits for; opened, once, where none stands. Null where somebody approved or changed the
 * budget meanwhile: then the gate is worth asking again.
 */
export async function approvalFor(
  context: ApiContext,
  period: BudgetPeriod,
  by: { readonly principalId: string; readonly requestId: string },
): Promise<BudgetApproval | null> {
  const now = context.clock.now();
  const { orgId } = period;
  const standing = await standingApproval(context.db, period, now);
  if (standing) return standing;
  const opened = await context.db.transaction(async (tx) => {
    const asked = await openApproval(tx, {
      orgId,
      period: period.period,
      requestedBy: by.principalId,
      requestId: by.requestId,
      now,
      schedule: context.schedule,
      mailing: context.approvalMailing,
    });
    if (asked) await appendAudit(tx, orgId, asked.facts, now);
    return asked;
  });
  if (opened?.opened) {
    context.wake('command');
    context.wake('delivery');
  }
  return opened?.approval ?? null;
}

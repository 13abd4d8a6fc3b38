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
  const standing = await standingApproval(context.db, period);
  if (standing) return standing;
  const opened = await context.db.transaction((tx) =>
    openApproval(tx, {
      orgId: period.orgId,
      period: period.period,
      requestedBy: by.principalId,
      requestId: by.requestId,
      now: context.clock.now(),
      schedule: context.schedule,
      mailing: context.approvalMailing,
    }),
  );
  if (opened?.opened) {
    context.wake('command');
    context.wake('delivery');
  }
  return opened?.approval ?? null;
}

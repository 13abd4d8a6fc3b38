import {
  condition,
  defineSignal,
  proxyActivities,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import type { ApprovalActivities, ApprovalView, DecideSignal } from '../activities/approve-budget';
import { DECIDE_SIGNAL, WAKE_SIGNAL, WITHDRAW_SIGNAL, type ApproveBudget } from './contracts';

const {
  readBudgetApproval,
  remindApprovers,
  expireBudgetApproval,
  decideBudgetApproval,
  withdrawBudgetApproval,
} = proxyActivities<ApprovalActivities>({
  startToCloseTimeout: '30 s',
  retry: { initialInterval: '500 ms', maximumInterval: '30 s' },
});

const decide = defineSignal<[DecideSignal]>(DECIDE_SIGNAL);
const withdraw = defineSignal(WITHDRAW_SIGNAL);
const wake = defineSignal(WAKE_SIGNAL);

const HOUR_MS = 3_600_000;
const REMINDERS_MS = [24 * HOUR_MS, 48 * HOUR_MS];

/**
 * Waits until people have decided about spend over the threshold, reminds them after 24 and 48 hours and lets the
 * question expire. The decision is the row's, in force at its commit, whoever made it; signals only carry or wake.
 */
export async function approveBudget({ approvalId }: ApproveBudget): Promise<string> {
  const decisions: DecideSignal[] = [];
  let withdrawn = false;
  let woken = false;
  let said = '';
  setHandler(decide, (signal) => void decisions.push(signal));
  setHandler(withdraw, () => void (withdrawn = true));
  setHandler(wake, () => void (woken = true));

  for (;;) {
    woken = false;
    const approval = await readBudgetApproval(approvalId);
    if (!approval) return 'gone';
    setCurrentDetails(describeApproval(approval) + said);
    if (approval.status !== 'pending') return approval.status;

    const decision = decisions.shift();
    if (decision) {
      said = refusal(await decideBudgetApproval(approvalId, decision));
      continue;
    }
    if (withdrawn) {
      withdrawn = false;
      said = refusal(await withdrawBudgetApproval(approvalId));
      continue;
    }
    if (Date.now() >= approval.expiresAt) {
      await expireBudgetApproval(approvalId);
      continue;
    }
    const reminderAt = approval.createdAt + (REMINDERS_MS[approval.reminders] ?? Infinity);
    if (Date.now() >= reminderAt) {
      await remindApprovers(approvalId, approval.reminders + 1);
      continue;
    }
    const untilMs = Math.min(reminderAt, approval.expiresAt) - Date.now();
    await condition(() => decisions.length > 0 || withdrawn || woken, Math.max(untilMs, 1));
  }
}

const refusal = (reason: string | null): string =>
  reason === null ? '' : `; a signal was not carried out: ${reason}`;

/** One line for an operator reading Temporal's UI. */
function describeApproval(approval: ApprovalView): string {
  const { status, period, ceilingCents, decidedBy, approvedUpToCents, reminders } = approval;
  const ceiling = `$${(ceilingCents / 100).toFixed(2)}`;
  if (status === 'pending') {
    const until = new Date(approval.expiresAt).toISOString().slice(0, 16).replace('T', ' ');
    return `waiting for a decision on ${period} over ${ceiling}; ${reminders} reminder(s) sent; expires ${until} UTC`;
  }
  const upTo = approvedUpToCents === null ? '' : ` up to $${(approvedUpToCents / 100).toFixed(2)}`;
  return `${status}${upTo}${decidedBy === null ? '' : ` by ${decidedBy}`}`;
}

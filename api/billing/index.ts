import type { AnyOperation } from '../http/operation';
import { approveBudget, rejectBudget, withdrawBudgetApproval } from './decide-approval';
import { getBilling } from './get-billing';
import { getLimits } from './get-limits';
import { getRates } from './get-rates';
import { openBudgetApproval } from './open-approval';
import { quoteUsage } from './quote-usage';
import { getBudgetApproval, listBudgetApprovals, waitForBudgetApproval } from './read-approvals';
import { setBudget } from './set-budget';

export const billingOperations = [
  getBilling,
  getLimits,
  getRates,
  quoteUsage,
  setBudget,
  listBudgetApprovals,
  openBudgetApproval,
  getBudgetApproval,
  waitForBudgetApproval,
  approveBudget,
  rejectBudget,
  withdrawBudgetApproval,
] as unknown as AnyOperation[];

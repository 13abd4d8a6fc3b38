import type { EntityManager } from 'typeorm';
import { invalidInput } from '../platform/fault';
import { microsFromCents } from '../platform/money';
import { readPeriod, type BudgetPeriod } from './budget-period';
import type { Organization } from './organization';
import { lockOrganization } from './seats';
import { run, statement } from './sql';

/** What a budget may be changed to, in cents; null clears, undefined keeps. */
export interface BudgetChange {
  readonly spendCapCents?: number | null | undefined;
  readonly softCapCents?: number | null | undefined;
  readonly approvalThresholdCents?: number | null | undefined;
  readonly requireOtherApprover?: boolean | null | undefined;
}

/** A budget as it is told in events and audit records. */
export interface BudgetSettings {
  readonly spendCapCents: number | null;
  readonly softCapCents: number | null;
  readonly approvalThresholdCents: number | null;
  readonly requireOtherApprover: boolean;
}

const NEW_LIMITS = `cap_micros = $3, threshold_micros = $4, budget_seq = b.budget_seq + 1,
     approved_up_to_micros = NULL,
     alerted_percent = CASE WHEN b.cap_micros IS DISTINCT FROM $3 THEN 0 ELSE b.alerted_percent END`;

/** This month's row, and those of months that usage reported ahead has opened already. */
const upsert = statement(
  'change-period-budget',
  `WITH later AS (
     UPDATE budget_periods b SET ${NEW_LIMITS} WHERE b.org_id = $1 AND b.period > $2)
   INSERT INTO budget_periods AS b (org_id, period, cap_micros, threshold_micros, budget_seq)
   VALUES ($1, $2, $3, $4, 1)
   ON CONFLICT (org_id, period) DO UPDATE SET ${NEW_LIMITS}`,
);

/**
 * Changes an organization's budget, for this month and those to come. An approval given under the old one no longer
 * holds, and alerts begin anew under another cap. Throws invalid_request where soft cap or threshold exceed the cap.
 */
export async function changeBudget(
  tx: EntityManager,
  orgId: string,
  change: BudgetChange,
  period: string,
): Promise<{
  previous: BudgetSettings;
  current: BudgetSettings;
  /** Cap or threshold are others than before: pending approvals are superseded. */
  limitsChanged: boolean;
  period: BudgetPeriod;
}> {
  const organization = await lockOrganization(tx, orgId);
  const previous = settingsOf(organization);
  const pick = <Value>(given: Value | undefined, held: Value): Value =>
    given === undefined ? held : given;
  const current: BudgetSettings = {
    spendCapCents: pick(change.spendCapCents, previous.spendCapCents),
    softCapCents: pick(change.softCapCents, previous.softCapCents),
    approvalThresholdCents: pick(change.approvalThresholdCents, previous.approvalThresholdCents),
    requireOtherApprover: change.requireOtherApprover ?? previous.requireOtherApprover,
  };
  requireWithinCap('softCapCents', current.softCapCents, current.spendCapCents);
  requireWithinCap('approvalThresholdCents', current.approvalThresholdCents, current.spendCapCents);
  organization.spendCapCents = textOrNull(current.spendCapCents);
  organization.softCapCents = textOrNull(current.softCapCents);
  organization.approvalThresholdCents = textOrNull(current.approvalThresholdCents);
  organization.requireOtherApprover = current.requireOtherApprover;
  await tx.save(organization);
  const { spendCapCents: cap, approvalThresholdCents: threshold } = current;
  const limitsChanged =
    cap !== previous.spendCapCents || threshold !== previous.approvalThresholdCents;
  if (limitsChanged) {
    await run(tx, upsert, [
      orgId,
      period,
      cap === null ? null : microsFromCents(cap),
      threshold === null ? null : microsFromCents(threshold),
    ]);
  }
  return { previous, current, limitsChanged, period: await readPeriod(tx, orgId, period) };
}

export function settingsOf(organization: Organization): BudgetSettings {
  return {
    spendCapCents: numberOrNull(organization.spendCapCents),
    softCapCents: numberOrNull(organization.softCapCents),
    approvalThresholdCents: numberOrNull(organization.approvalThresholdCents),
    requireOtherApprover: organization.requireOtherApprover,
  };
}

function requireWithinCap(path: string, cents: number | null, cap: number | null): void {
  if (cents === null || cap === null || cents <= cap) return;
  throw invalidInput(path, `must not exceed the spend cap of ${cap} cents`);
}

const textOrNull = (cents: number | null): string | null => (cents === null ? null : String(cents));
const numberOrNull = (cents: string | null): number | null =>
  cents === null ? null : Number(cents);

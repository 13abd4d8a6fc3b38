import { z } from 'zod';
import { centsOrNull, type BudgetPeriod } from '../../entities/budget-period';
import { ceilingOf } from '../../entities/gate';
import { centsFromMicros, usdFromMicros } from '../../platform/money';
import { timestamp } from '../http/schemas';

const cents = z.int();

export const budgetReply = z.object({
  object: z.literal('billing_budget'),
  currency: z.literal('usd'),
  invoicePeriod: z.string(),
  spendCapCents: cents.nullable(),
  softCapCents: cents.nullable(),
  approvalThresholdCents: cents.nullable(),
  accruedUsageCents: cents,
  softCapReached: z.boolean(),
  approvalRequired: z.boolean(),
  hardCapReached: z.boolean(),
  requireOtherApprover: z.boolean(),
  heldCents: cents,
  approvedUpToCents: cents.nullable(),
  forecastCents: cents,
  lineItems: z.array(
    z.object({
      publicPlanKey: z.string(),
      meterFamily: z.string(),
      units: z.int(),
      requestCount: z.int(),
      unitAmountUsd: z.number(),
      amountCents: cents,
      lastRecordedAt: timestamp.nullable(),
    }),
  ),
});

/** A month's budget as callers see it: cents rounded half up, the total and each line on its own. */
export function presentBudget(period: BudgetPeriod, now: Date): z.input<typeof budgetReply> {
  const { accruedMicros, heldMicros, capMicros, softCapMicros } = period;
  const ceiling = ceilingOf(period);
  return {
    object: 'billing_budget',
    currency: 'usd',
    invoicePeriod: period.period,
    spendCapCents: centsOrNull(capMicros),
    softCapCents: centsOrNull(softCapMicros),
    approvalThresholdCents: centsOrNull(period.thresholdMicros),
    accruedUsageCents: centsFromMicros(accruedMicros),
    softCapReached: softCapMicros !== null && accruedMicros >= softCapMicros,
    approvalRequired: ceiling !== null && accruedMicros + heldMicros >= ceiling,
    hardCapReached: capMicros !== null && accruedMicros >= capMicros,
    requireOtherApprover: period.requireOtherApprover,
    heldCents: centsFromMicros(heldMicros),
    approvedUpToCents: centsOrNull(period.approvedUpToMicros),
    forecastCents: forecastCents(period, now),
    lineItems: [...period.lines]
      .sort((a, b) => (a.planKey + a.family < b.planKey + b.family ? -1 : 1))
      .map((line) => ({
        publicPlanKey: line.planKey,
        meterFamily: line.family,
        units: Number(line.units),
        requestCount: Number(line.requests),
        unitAmountUsd: usdFromMicros(line.unitMicros),
        amountCents: centsFromMicros(line.micros),
        lastRecordedAt: line.lastAt,
      })),
  };
}

/** What the month comes to if it goes on as it went: accrued ÷ the part of the month that has passed. */
function forecastCents({ period, accruedMicros }: BudgetPeriod, now: Date): number {
  const [year = 0, month = 1] = period.split('-').map(Number);
  const startsAt = Date.UTC(year, month - 1, 1);
  const lastsMs = Date.UTC(year, month, 1) - startsAt;
  const passedMs = Math.min(Math.max(now.getTime() - startsAt, 1), lastsMs);
  return centsFromMicros((accruedMicros * BigInt(lastsMs)) / BigInt(passedMs));
}

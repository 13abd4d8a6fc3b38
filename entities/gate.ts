import type { FaultCode } from '../platform/fault';
import type { BudgetPeriod } from './budget-period';
import type { Price } from './price-usage';

/** Work that wants to be done and what it costs. */
export interface UsageRequest {
  readonly orgId: string;
  readonly period: string;
  /** The caller's idempotency key: one charge for ever. */
  readonly key: string;
  readonly price: Price;
  readonly units: number;
  /** Holds the amount until then instead of charging it. */
  readonly reserveUntil: Date | null;
  readonly requestId: string;
  readonly principalId: string;
  readonly now: Date;
}

export interface Charge {
  readonly id: string;
  readonly status: 'charged' | 'reserved' | 'released';
  readonly meterClass: string;
  readonly units: number;
  /** What its key was first used for: a reservation may be settled for less. */
  readonly askedUnits: number;
  readonly unitMicros: bigint;
  readonly amountMicros: bigint;
  readonly planKey: string;
}

/** Why the gate refuses. */
export type Refusal = Extract<
  FaultCode,
  | 'ai_query_quota_exceeded'
  | 'billing_required'
  | 'billing_budget_hard_cap_exceeded'
  | 'billing_budget_approval_required'
>;

export type GateAnswer =
  | { readonly kind: 'passed'; readonly charge: Charge; readonly period: BudgetPeriod }
  | { readonly kind: 'replayed'; readonly charge: Charge; readonly period: BudgetPeriod }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly period: BudgetPeriod };

/**
 * What the gate says to a price at this moment, in its order: quota, grant, hard cap, approval threshold (an approval
 * can't lift the cap, so the cap is told first). Null: it passes. The statement of pass-gate.ts decides by the same conditions.
 */
export function judge(period: BudgetPeriod, price: Price, units: number): Refusal | null {
  const { quotaUnits, grantCalls } = price;
  if (quotaUnits !== null && period.aiQueriesUsed + BigInt(units) > BigInt(quotaUnits)) {
    return 'ai_query_quota_exceeded';
  }
  if (grantCalls !== null && period.grantUsed + period.grantHeld + 1 > grantCalls) {
    return 'billing_required';
  }
  const amount = price.unitMicros * BigInt(units);
  if (amount === 0n) return null;
  const after = period.accruedMicros + period.heldMicros + amount;
  if (period.capMicros !== null && after > period.capMicros) {
    return 'billing_budget_hard_cap_exceeded';
  }
  const ceiling = ceilingOf(period);
  return ceiling !== null && after > ceiling ? 'billing_budget_approval_required' : null;
}

/** Up to where spend needs no (further) approval: the threshold, or what was last approved; null without a threshold. */
export function ceilingOf({ thresholdMicros, approvedUpToMicros }: BudgetPeriod): bigint | null {
  if (thresholdMicros === null) return null;
  const approved = approvedUpToMicros ?? 0n;
  return approved > thresholdMicros ? approved : thresholdMicros;
}

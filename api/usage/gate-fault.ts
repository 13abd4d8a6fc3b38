import type { BudgetApproval } from '../../entities/budget-approval';
import { centsOrNull, type BudgetPeriod } from '../../entities/budget-period';
import { ceilingOf, type Refusal } from '../../entities/gate';
import type { Price } from '../../entities/price-usage';
import { Fault } from '../../platform/fault';
import { centsFromMicros } from '../../platform/money';

/** The contract's error for what the gate said, so that a gateway can pass it on as it is. */
export function gateFault(
  refusal: Refusal,
  period: BudgetPeriod,
  price: Price,
  approval: BudgetApproval | null,
): Fault {
  const accruedUsageCents = centsFromMicros(period.accruedMicros);
  const { period: invoicePeriod } = period;
  switch (refusal) {
    case 'ai_query_quota_exceeded':
      return new Fault(refusal, {
        hint: 'Wait for the next month, or move to a larger plan.',
        details: {
          limit: price.quotaUnits,
          used: Number(period.aiQueriesUsed),
          resetAt: startOfNextMonth(invoicePeriod),
        },
        retryAfterSeconds: 3_600,
      });
    case 'billing_required':
      return new Fault(refusal, {
        message: `The free grant of ${price.grantCalls ?? 0} calls is used up for ${invoicePeriod}.`,
        hint: 'Activate pay as you go or choose a plan: POST /v1/billing/checkout.',
        details: { reason: 'starter_grant_exhausted', limit: price.grantCalls },
      });
    case 'billing_budget_hard_cap_exceeded':
      return new Fault(refusal, {
        details: { invoicePeriod, accruedUsageCents, spendCapCents: centsOrNull(period.capMicros) },
      });
    case 'billing_budget_approval_required':
      return new Fault(refusal, {
        details: {
          approvalId: approval?.id ?? null,
          status: approval?.status ?? null,
          decideAt: approval ? `/v1/billing/budget/approvals/${approval.id}/approve` : null,
          waitAt: approval ? `/v1/billing/budget/approvals/${approval.id}/wait` : null,
          invoicePeriod,
          accruedUsageCents,
          approvalThresholdCents: centsOrNull(period.thresholdMicros),
          ceilingCents: centsOrNull(ceilingOf(period)),
        },
      });
  }
}

function startOfNextMonth(period: string): string {
  const [year = 0, month = 1] = period.split('-').map(Number);
  return new Date(Date.UTC(year, month, 1)).toISOString();
}

/** Why an organization in this state may do no billable work at all; null: it may. */
export function stateFault({
  billingState,
  suspended,
}: {
  readonly billingState: string;
  readonly suspended: boolean;
}): Fault | null {
  if (suspended) {
    return new Fault('billing_required', {
      message: 'The organization is suspended.',
      hint: 'Ask the operator of this server to resume it.',
      details: { reason: 'payment_failed', suspended: true },
    });
  }
  if (billingState === 'restricted_read_only') {
    return new Fault('billing_required', {
      message: 'A payment failed and its time of grace is over.',
      hint: 'Settle the invoice: POST /v1/billing/portal.',
      details: { reason: 'payment_failed' },
    });
  }
  if (billingState === 'payg_pending_card') {
    return new Fault('billing_required', {
      message: 'Pay as you go needs a card on file.',
      hint: 'Add one: POST /v1/billing/payg/activate.',
      details: { reason: 'card_required' },
    });
  }
  return null;
}

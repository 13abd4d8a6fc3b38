import { z } from 'zod';
import { statusAt, type BudgetApproval } from '../../entities/budget-approval';
import { centsOrNull } from '../../entities/budget-period';
import { centsFromMicros } from '../../platform/money';
import { timestamp } from '../http/schemas';

export const APPROVAL_STATUSES = [
  'pending',
  'approved',
  'rejected',
  'expired',
  'superseded',
  'withdrawn',
] as const;

export const approvalReply = z.object({
  object: z.literal('budget_approval'),
  id: z.string(),
  orgId: z.string(),
  livemode: z.boolean(),
  invoicePeriod: z.string(),
  status: z.enum(APPROVAL_STATUSES),
  thresholdCents: z.int(),
  ceilingCents: z.int(),
  accruedUsageCents: z.int(),
  approvedUpToCents: z.int().nullable(),
  requestedBy: z.string(),
  decidedBy: z.string().nullable(),
  note: z.string().nullable(),
  createdAt: timestamp,
  decidedAt: timestamp.nullable(),
  expiresAt: timestamp,
  requestId: z.string(),
});

/** `requestId` is that of the request which crossed the threshold; `ceilingCents` what may be spent without this approval. */
export function presentApproval(
  approval: BudgetApproval,
  now: Date,
): z.input<typeof approvalReply> {
  return {
    object: 'budget_approval',
    id: approval.id,
    orgId: approval.orgId,
    livemode: true,
    invoicePeriod: approval.period,
    status: statusAt(approval, now),
    thresholdCents: approval.thresholdCents,
    ceilingCents: centsFromMicros(approval.ceilingMicros),
    accruedUsageCents: centsFromMicros(approval.accruedMicros),
    approvedUpToCents: centsOrNull(approval.approvedUpToMicros),
    requestedBy: approval.requestedBy,
    decidedBy: approval.decidedBy,
    note: approval.note,
    createdAt: approval.createdAt.toISOString(),
    decidedAt: approval.decidedAt?.toISOString() ?? null,
    expiresAt: approval.expiresAt.toISOString(),
    requestId: approval.requestId,
  };
}

import type Stripe from 'stripe';
import { orNull } from './asking';

/** Money of a payment that goes back, or may: a refund, or a dispute. Amounts in the currency's smallest unit. */
export interface ReversalView {
  readonly id: string;
  readonly kind: 'refund' | 'dispute';
  readonly chargeId: string;
  readonly customerId: string | null;
  readonly amount: number;
  readonly currency: string;
  readonly status: string;
  readonly reason: string | null;
  readonly createdAt: Date;
  readonly livemode: boolean;
}

type Reversed = Pick<
  Stripe.Refund | Stripe.Dispute,
  'id' | 'amount' | 'currency' | 'status' | 'reason' | 'created'
>;

/** The dispute, with whom its charge belongs to; null where there is none. */
export function readDispute(stripe: Stripe, id: string): Promise<ReversalView | null> {
  return orNull(async () => {
    const dispute = await stripe.disputes.retrieve(id, { expand: ['charge'] });
    return viewOf('dispute', dispute, dispute.charge);
  });
}

/** The refund, with whom its charge belongs to; null where there is none. */
export function readRefund(stripe: Stripe, id: string): Promise<ReversalView | null> {
  return orNull(async () => {
    const refund = await stripe.refunds.retrieve(id, { expand: ['charge'] });
    return viewOf('refund', refund, refund.charge);
  });
}

/** All refunds of a charge. */
export async function refundsOf(stripe: Stripe, chargeId: string): Promise<ReversalView[]> {
  const charge = await orNull(() => stripe.charges.retrieve(chargeId));
  if (!charge) return [];
  const views: ReversalView[] = [];
  for await (const refund of stripe.refunds.list({ charge: chargeId, limit: 100 })) {
    const view = viewOf('refund', refund, charge);
    if (view) views.push(view);
  }
  return views;
}

function viewOf(
  kind: ReversalView['kind'],
  reversed: Reversed,
  charge: string | Stripe.Charge | null,
): ReversalView | null {
  if (charge === null || typeof charge === 'string') return null;
  const { customer } = charge;
  return {
    id: reversed.id,
    kind,
    chargeId: charge.id,
    customerId: typeof customer === 'string' ? customer : (customer?.id ?? null),
    amount: reversed.amount,
    currency: reversed.currency,
    status: reversed.status ?? 'pending',
    reason: reversed.reason,
    createdAt: new Date(reversed.created * 1_000),
    livemode: charge.livemode,
  };
}

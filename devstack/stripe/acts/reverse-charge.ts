import type Stripe from 'stripe';
import { refund } from '../shapes/charge';
import { dispute } from '../shapes/dispute';
import type { FakeState } from '../state';

/** The customer's last payment. Throws where there is none. */
export function lastCharge(state: FakeState, customer: string): Stripe.Charge {
  const paid = [...state.charges.values()].filter((known) => known.paid);
  const found = paid.findLast((known) => known.customer === customer);
  if (!found) throw new Error(`${customer} has paid nothing`);
  return found;
}

/** Money of a charge is paid back. */
export function refundCharge(
  state: FakeState,
  charge: Stripe.Charge,
  cents: number,
): Stripe.Refund {
  const made = refund(state.id('re'), charge, cents, state.now());
  state.refunds.set(made.id, made);
  charge.amount_refunded += cents;
  charge.refunded = charge.amount_refunded === charge.amount;
  state.emit('charge.refunded', charge);
  state.emit('refund.created', made);
  return made;
}

/** The cardholder disputes a charge. */
export function disputeCharge(state: FakeState, charge: Stripe.Charge): Stripe.Dispute {
  const made = dispute(state.id('du'), charge, state.now());
  state.disputes.set(made.id, made);
  charge.disputed = true;
  state.emit('charge.dispute.created', made);
  return made;
}

/** The bank decides a dispute. */
export function closeDispute(state: FakeState, id: string, as: 'won' | 'lost'): void {
  const found = state.disputes.get(id);
  if (!found) return;
  found.status = as;
  state.emit('charge.dispute.closed', found);
}

import { card } from '../shapes/customer';
import type { FakeState } from '../state';

/** A card is put on file. */
export function addCard(state: FakeState, customer: string): void {
  const made = card(state.id('pm'), customer, state.now());
  state.paymentMethods.set(made.id, made);
  state.emit('payment_method.attached', made);
}

/** All cards of a customer are taken off. */
export function removeCards(state: FakeState, customer: string): void {
  for (const known of state.paymentMethods.values()) {
    if (known.customer !== customer) continue;
    known.customer = null;
    state.emit('payment_method.detached', known, { customer });
  }
}

export const cardOf = (state: FakeState, customer: string) =>
  [...state.paymentMethods.values()].find((known) => known.customer === customer) ?? null;

import type { FakeState } from '../state';
import { periodSeconds } from '../shapes/subscription';
import { expireSession } from './pay-session';
import { bill, itemOf, sell, setStatus } from './subscription-life';

/** Sets the test clock ahead: sessions expire, periods end, renew, change or are cancelled. */
export function advanceClock(state: FakeState, seconds: number): void {
  state.aheadSeconds += seconds;
  for (const session of state.sessions.values()) {
    if (session.status === 'open' && session.expires_at <= state.now()) {
      expireSession(state, session.id);
    }
  }
  for (const { id } of state.subscriptions.values()) {
    while (endPeriod(state, id));
  }
}

/** Ends an active subscription's period where it is over. Answers whether another may be over too. */
function endPeriod(state: FakeState, id: string): boolean {
  const subscription = state.subscriptions.get(id);
  if (!subscription || subscription.status !== 'active') return false;
  const item = itemOf(subscription);
  if (item.current_period_end > state.now()) return false;
  if (subscription.cancel_at_period_end) {
    setStatus(state, id, 'canceled');
    return false;
  }
  const planned = state.planned.get(id);
  const price = state.prices.get(planned?.price ?? '');
  if (planned && price) sell(item, price, planned.quantity);
  state.planned.delete(id);
  item.current_period_start = item.current_period_end;
  item.current_period_end += periodSeconds(item.price);
  state.emit('customer.subscription.updated', subscription);
  bill(state, subscription, 'subscription_cycle', true);
  return true;
}

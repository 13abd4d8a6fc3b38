import type { DeliveryView } from '../entities/delivery-view';

/** One line for an operator reading Temporal's UI: where the delivery stands and what comes next. */
export function describeDelivery(delivery: DeliveryView): string {
  const { status, step, steps, attempts, lastError, endpoint, nextAt, windowEndsAt } = delivery;
  const last = lastError ? `, last: ${lastError}` : '';
  if (status === 'delivered') return describeArrival(attempts);
  if (status === 'cancelled') return `cancelled after ${attempts} attempt(s)${last}`;
  if (status === 'failed') {
    return `failed after ${attempts} attempt(s)${last}; replays until ${minute(windowEndsAt)}`;
  }
  if (endpoint !== 'active') {
    const why = endpoint === 'suspended' ? 'the organization is' : 'the endpoint is';
    return `waiting: ${why} ${endpoint}; ${step} of ${steps} attempts used${last}; window ends ${minute(windowEndsAt)}`;
  }
  return `attempt ${step} of ${steps} made${last}; next ${nextAt === null ? 'unknown' : minute(nextAt)}`;
}

/** The line of a delivery that has arrived. */
export function describeArrival(attempt: number): string {
  return `delivered at attempt ${attempt}`;
}

/** `2026-03-19 14:20:05 UTC` */
function minute(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

import { markApplied, readStripeEvent, type ArrivedEvent } from '../../entities/stripe-event';
import { followCustomer } from './follow-customer';
import { followReversals } from './follow-reversal';
import { followSubscription } from './follow-subscription';
import { fulfil } from './fulfil-checkout';
import type { Reconciling } from './reconciling';

/** Acts on a stored event: fetches the object it is about again and applies that. Answers what came of it. */
export async function applyStripeEvent(deps: Reconciling, eventId: string): Promise<string> {
  const event = await readStripeEvent(deps.db, eventId);
  if (!event) return 'unknown event';
  const outcome = await actOn(deps, event);
  await markApplied(deps.db, eventId, outcome, deps.clock.now());
  return outcome;
}

async function actOn(deps: Reconciling, event: ArrivedEvent): Promise<string> {
  const { id, objectType, objectId, via } = event;
  switch (objectType) {
    case 'checkout.session':
      return fulfil(deps, objectId, via);
    case 'subscription':
      return followSubscription(deps, objectId);
    case 'invoice': {
      const subscriptionId = await deps.stripe.subscriptionOfInvoice(objectId);
      return subscriptionId ? followSubscription(deps, subscriptionId) : 'nothing new';
    }
    case 'customer':
      return followCustomer(deps, objectId, id);
    case 'charge':
    case 'dispute':
    case 'refund':
      return followReversals(deps, { objectType, objectId }, id);
    default:
      return 'nothing new';
  }
}

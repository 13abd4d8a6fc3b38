import { billingCustomer } from '../../entities/billing-customer';
import {
  attachSession,
  checkoutOfSession,
  readCheckout,
  type Checkout,
} from '../../entities/checkout';
import { logCheckoutEnded, type CheckoutWaker } from '../../entities/checkout-ended';
import { makeSession } from '../../entities/checkout-session';
import { abandonCheckout, completeCheckout } from '../../entities/end-checkout';
import { fetchTicket } from '../../entities/subscription';
import type { SessionView } from '../../integrations/stripe';
import { endSuperseded } from './end-superseded';
import { followCustomer } from './follow-customer';
import { applyingTo, ignore, type Reconciling } from './reconciling';

/** A checkout as its workflow sees it. Times in ms since 1970. */
export interface CheckoutView {
  readonly status: Checkout['status'];
  readonly planKey: string;
  readonly createdAt: number;
  readonly hasSession: boolean;
}

/** Asks Stripe how a checkout stands and does what follows, once. Null: there is no such checkout. */
export async function pollCheckout(
  deps: Reconciling,
  checkoutId: string,
  wokenBy: CheckoutWaker,
): Promise<CheckoutView | null> {
  const before = await readCheckout(deps.db, checkoutId);
  if (!before) return null;
  if (before.status === 'open') await pursue(deps, before, wokenBy);
  else await endSuperseded(deps, before);
  const after = (await readCheckout(deps.db, checkoutId)) ?? before;
  return {
    status: after.status,
    planKey: after.planKey,
    createdAt: after.createdAt.getTime(),
    hasSession: after.sessionId !== null,
  };
}

async function pursue(
  deps: Reconciling,
  checkout: Checkout,
  wokenBy: CheckoutWaker,
): Promise<void> {
  const { db, clock, catalog, stripe, publicUrl } = deps;
  if (checkout.sessionId !== null) {
    await fulfil(deps, checkout.sessionId, wokenBy);
    return;
  }
  if (clock.now() >= checkout.expiresAt) return abandon(deps, checkout, 'expired', wokenBy);
  await makeSession(db, stripe, catalog, publicUrl, checkout, clock.now());
}

/**
 * Brings the checkout of a Session to where Stripe says it is: whoever asks, however often and in whatever order. Whose
 * Session is of the other mode or of no checkout here is left alone. Answers what came of it.
 */
export async function fulfil(
  deps: Reconciling,
  sessionId: string,
  wokenBy: CheckoutWaker,
): Promise<string> {
  const { db, clock, stripe } = deps;
  const known = await checkoutOfSession(db, sessionId);
  if (known && known.status !== 'open') {
    await endSuperseded(deps, known);
    return 'nothing new';
  }
  const session = await stripe.readSession(sessionId);
  if (!session) {
    if (known) await abandon(deps, known, 'expired', wokenBy);
    return 'no such session';
  }
  if (session.livemode !== stripe.livemode) return ignore(deps, 'other_mode', sessionId);
  const checkout = known ?? (await adopt(deps, session));
  if (!checkout || !(await isOwn(deps, checkout, session))) {
    return ignore(deps, 'foreign_session', sessionId);
  }
  switch (session.status) {
    case 'expired':
      await abandon(deps, checkout, 'expired', wokenBy);
      return 'applied';
    case 'open':
      if (clock.now() >= checkout.expiresAt) await stripe.expireSession(sessionId);
      return 'nothing new';
    case 'complete':
      return complete(deps, checkout, session, wokenBy);
  }
}

/** The open checkout that asked for a Session whose answer we never got. */
async function adopt({ db }: Reconciling, session: SessionView): Promise<Checkout | null> {
  const checkout = session.checkoutId === null ? null : await readCheckout(db, session.checkoutId);
  if (checkout?.status !== 'open' || checkout.sessionId !== null) return null;
  return attachSession(db, checkout.id, session);
}

/** Also where its customer was deleted since. */
async function isOwn(
  { db }: Reconciling,
  checkout: Checkout,
  session: SessionView,
): Promise<boolean> {
  const customer = await billingCustomer(db, checkout.orgId);
  return session.checkoutId === checkout.id && session.customerId === customer?.stripeCustomerId;
}

async function complete(
  deps: Reconciling,
  checkout: Checkout,
  session: SessionView,
  wokenBy: CheckoutWaker,
): Promise<string> {
  const { db, stripe } = deps;
  const { customerId, subscriptionId, id: sessionId } = session;
  const seq = await fetchTicket(db);
  const subscription =
    subscriptionId === null ? null : await stripe.readSubscription(subscriptionId);
  if (session.mode === 'subscription') {
    if (!subscription) return 'nothing new';
    if (!session.isPaid) {
      const isOver = ['incomplete_expired', 'canceled'].includes(subscription.status);
      if (isOver) await abandon(deps, checkout, 'failed', wokenBy);
      return isOver ? 'applied' : 'nothing new';
    }
  }
  if (customerId !== null) await followCustomer(deps, customerId, sessionId);
  const at = applyingTo(deps, checkout.orgId, checkout.requestId);
  const bought = subscription && { subscription, seq };
  const done = await db.transaction((tx) => completeCheckout(tx, at, checkout, bought));
  if (done) logCheckoutEnded(deps.log, checkout, { status: 'completed', at: at.now }, wokenBy);
  deps.wake();
  await endSuperseded(deps, checkout);
  return done ? 'applied' : 'nothing new';
}

async function abandon(
  deps: Reconciling,
  checkout: Checkout,
  as: 'expired' | 'failed',
  wokenBy: CheckoutWaker,
): Promise<void> {
  const at = applyingTo(deps, checkout.orgId, checkout.requestId);
  const done = await deps.db.transaction((tx) => abandonCheckout(tx, at, checkout, as));
  if (done) logCheckoutEnded(deps.log, checkout, { status: as, at: at.now }, wokenBy);
  deps.wake();
}

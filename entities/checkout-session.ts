import type { Catalog } from '../catalog/load-catalog';
import { keepCustomer, knownCustomer } from './billing-customer';
import { attachSession, type Checkout } from './checkout';
import { Organization } from './organization';
import type { Executor } from './sql';

/** What makes a customer and a Session at Stripe; each safe to repeat. */
export interface SessionMaker {
  readonly livemode: boolean;
  ensureCustomer(orgId: string, name: string | null, before: string | null): Promise<string>;
  createSession(wish: {
    readonly checkoutId: string;
    readonly orgId: string;
    readonly customerId: string;
    readonly mode: 'subscription' | 'setup';
    readonly lookupKey: string | null;
    readonly quantity: number;
    readonly successUrl: string;
    readonly cancelUrl: string;
  }): Promise<{ readonly id: string; readonly url: string | null; readonly expiresAt: Date }>;
  expireSession(id: string): Promise<void>;
}

/**
 * Makes the Session of an open checkout that has none yet, and notes it. The same Session however often it is asked. Of a
 * checkout that has ended meanwhile it is expired, so that nobody pays it; the answer's status tells.
 */
export async function makeSession(
  db: Executor,
  stripe: SessionMaker,
  catalog: Catalog,
  publicUrl: string,
  checkout: Checkout,
  now: Date,
): Promise<Checkout> {
  if (checkout.sessionId !== null) return checkout;
  const { id, orgId, planKey, interval, seats } = checkout;
  const customerId = await customerFor(db, stripe, orgId, now);
  const plan = catalog.plan(planKey);
  const session = await stripe.createSession({
    checkoutId: id,
    orgId,
    customerId,
    mode: checkout.mode,
    lookupKey: plan?.prices[interval ?? 'month'] ?? null,
    // The seats that a plan includes are paid for with it.
    quantity: seats <= (plan?.seatsIncluded ?? 1) ? 1 : seats,
    successUrl: `${publicUrl}/checkout/return/${id}`,
    cancelUrl: checkout.cancelUrl,
  });
  const attached = (await attachSession(db, id, session)) ?? checkout;
  if (attached.status !== 'open') await stripe.expireSession(session.id);
  return attached;
}

/** The customer that an organization buys as: the one that is known, or one made in the place of what is no more. */
async function customerFor(
  db: Executor,
  stripe: SessionMaker,
  orgId: string,
  now: Date,
): Promise<string> {
  const { livemode } = stripe;
  const known = await knownCustomer(db, orgId, livemode);
  if (known?.isUsable) return known.id;
  const { name } = await db.getRepository(Organization).findOneByOrFail({ id: orgId });
  const id = await stripe.ensureCustomer(orgId, name, known?.id ?? null);
  await keepCustomer(db, orgId, { id, livemode, name }, now);
  return id;
}

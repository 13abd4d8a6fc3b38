import type { Catalog } from '../catalog/load-catalog';
import { attachSession, type Checkout } from './checkout';
import { Organization } from './organization';
import { run, statement, type Executor } from './sql';

/** What makes a customer and a Session at Stripe; each safe to repeat. */
export interface SessionMaker {
  ensureCustomer(orgId: string, name: string | null): Promise<string>;
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
}

const keepCustomer = statement(
  'keep-customer',
  `INSERT INTO billing_customers (org_id, stripe_customer_id, name, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)
   ON CONFLICT (org_id) DO NOTHING`,
);
const findCustomer = statement<{ stripe_customer_id: string }>(
  'find-customer',
  `SELECT stripe_customer_id FROM billing_customers WHERE org_id = $1`,
);
const readCustomer = statement<{
  stripe_customer_id: string;
  email: string | null;
  name: string | null;
  created_at: Date;
  updated_at: Date;
}>('read-customer', `SELECT * FROM billing_customers WHERE org_id = $1`);

/** An organization as Stripe's customer. */
export interface BillingCustomer {
  readonly stripeCustomerId: string;
  readonly email: string | null;
  readonly name: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export async function billingCustomer(
  db: Executor,
  orgId: string,
): Promise<BillingCustomer | null> {
  const [row] = await run(db, readCustomer, [orgId]);
  if (!row) return null;
  const { stripe_customer_id: stripeCustomerId, email, name, created_at, updated_at } = row;
  return { stripeCustomerId, email, name, createdAt: created_at, updatedAt: updated_at };
}

const findOwner = statement<{ org_id: string }>(
  'find-customer-owner',
  `SELECT org_id FROM billing_customers WHERE stripe_customer_id = $1`,
);

/** The organization's customer at Stripe; null before its first checkout. */
export async function customerOf(db: Executor, orgId: string): Promise<string | null> {
  const [row] = await run(db, findCustomer, [orgId]);
  return row?.stripe_customer_id ?? null;
}

/** The organization that a customer at Stripe is; null for one that isn't ours. */
export async function ownerOfCustomer(db: Executor, customerId: string): Promise<string | null> {
  const [row] = await run(db, findOwner, [customerId]);
  return row?.org_id ?? null;
}

/** Makes the Session of an open checkout that has none yet, and notes it. The same Session however often it is asked. */
export async function makeSession(
  db: Executor,
  stripe: SessionMaker,
  catalog: Catalog,
  publicUrl: string,
  checkout: Checkout,
  now: Date,
): Promise<Checkout> {
  if (checkout.sessionId !== null) return checkout;
  const { id, orgId, planKey, interval } = checkout;
  const { name } = await db.getRepository(Organization).findOneByOrFail({ id: orgId });
  const customerId = (await customerOf(db, orgId)) ?? (await stripe.ensureCustomer(orgId, name));
  await run(db, keepCustomer, [orgId, customerId, name, now]);
  const session = await stripe.createSession({
    checkoutId: id,
    orgId,
    customerId,
    mode: checkout.mode,
    lookupKey: catalog.plan(planKey)?.prices[interval ?? 'month'] ?? null,
    quantity: checkout.seats,
    successUrl: `${publicUrl}/checkout/return/${id}`,
    cancelUrl: checkout.cancelUrl,
  });
  return (await attachSession(db, id, session)) ?? checkout;
}

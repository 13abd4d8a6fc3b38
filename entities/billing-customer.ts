import type { EntityManager } from 'typeorm';
import { run, statement, type Executor } from './sql';

/** An organization as Stripe's customer. */
export interface BillingCustomer {
  readonly stripeCustomerId: string;
  readonly email: string | null;
  readonly name: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const read = statement<{
  stripe_customer_id: string;
  email: string | null;
  name: string | null;
  created_at: Date;
  updated_at: Date;
}>('read-customer', `SELECT * FROM billing_customers WHERE org_id = $1`);

/** The organization's customer at Stripe; null before its first checkout. */
export async function billingCustomer(
  db: Executor,
  orgId: string,
): Promise<BillingCustomer | null> {
  const [row] = await run(db, read, [orgId]);
  if (!row) return null;
  const { stripe_customer_id: stripeCustomerId, email, name, created_at, updated_at } = row;
  return { stripeCustomerId, email, name, createdAt: created_at, updatedAt: updated_at };
}

const find = statement<{ stripe_customer_id: string; is_usable: boolean }>(
  'find-customer',
  `SELECT stripe_customer_id, stripe_livemode = $2 AND gone_at IS NULL AS is_usable
   FROM billing_customers WHERE org_id = $1`,
);

/** The organization's customer and whether it can buy in a mode of Stripe's: one of the other mode or that is gone can't. */
export async function knownCustomer(
  db: Executor,
  orgId: string,
  stripeLivemode: boolean,
): Promise<{ readonly id: string; readonly isUsable: boolean } | null> {
  const [row] = await run(db, find, [orgId, stripeLivemode]);
  return row ? { id: row.stripe_customer_id, isUsable: row.is_usable } : null;
}

/** The organization's customer in a mode of Stripe's; null where it has none there, or where that one is gone. */
export async function customerOf(
  db: Executor,
  orgId: string,
  stripeLivemode: boolean,
): Promise<string | null> {
  const known = await knownCustomer(db, orgId, stripeLivemode);
  return known?.isUsable ? known.id : null;
}

const findOwner = statement<{ org_id: string }>(
  'find-customer-owner',
  `SELECT org_id FROM billing_customers WHERE stripe_customer_id = $1`,
);

/** The organization that a customer at Stripe is; null for one that isn't ours. */
export async function ownerOfCustomer(db: Executor, customerId: string): Promise<string | null> {
  const [row] = await run(db, findOwner, [customerId]);
  return row?.org_id ?? null;
}

const keep = statement(
  'keep-customer',
  `INSERT INTO billing_customers AS c (org_id, stripe_customer_id, stripe_livemode, name, created_at, updated_at)
   VALUES ($1, $2, $3, $4, $5, $5)
   ON CONFLICT (org_id) DO UPDATE SET stripe_customer_id = $2, stripe_livemode = $3, gone_at = NULL, updated_at = $5
   WHERE c.stripe_livemode <> $3 OR c.gone_at IS NOT NULL`,
);

/**
 * Notes the customer that Stripe made for an organization; one of Stripe's other mode or one
 * that is gone gives way to it. Safe to repeat.
 */
export async function keepCustomer(
  db: Executor,
  orgId: string,
  customer: { readonly id: string; readonly livemode: boolean; readonly name: string | null },
  now: Date,
): Promise<void> {
  await run(db, keep, [orgId, customer.id, customer.livemode, customer.name, now]);
}

const store = statement<{ org_id: string }>(
  'store-customer',
  `UPDATE billing_customers SET fetch_seq = $2, gone_at = CASE WHEN $5 THEN NULL ELSE $6::timestamptz END,
     email = CASE WHEN $5 THEN $3 ELSE email END, name = CASE WHEN $5 THEN $4 ELSE name END, updated_at = $6
   WHERE stripe_customer_id = $1 AND fetch_seq < $2 RETURNING org_id`,
);

/**
 * Stores what was fetched of a customer (null: it is gone; what it was called stays), unless something newer is stored.
 * Answers whether it was.
 */
export async function storeCustomer(
  tx: EntityManager,
  customerId: string,
  fetched: { readonly email: string | null; readonly name: string | null } | null,
  seq: string,
  now: Date,
): Promise<boolean> {
  const { email = null, name = null } = fetched ?? {};
  const values = [customerId, seq, email, name, fetched !== null, now];
  return (await run(tx, store, values)).length > 0;
}

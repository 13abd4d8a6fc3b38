import type { EntityManager } from 'typeorm';
import { run, statement, type Executor, type Statement } from './sql';

export type CheckoutStatus = 'open' | 'completed' | 'expired' | 'failed';

/** A purchase under way. Its row comes first; the Session at Stripe follows from it, under its id. */
export interface Checkout {
  readonly id: string;
  readonly orgId: string;
  readonly mode: 'subscription' | 'setup';
  readonly planKey: string;
  readonly interval: 'month' | 'year' | null;
  readonly seats: number;
  readonly successUrl: string;
  readonly cancelUrl: string;
  readonly status: CheckoutStatus;
  readonly sessionId: string | null;
  readonly url: string | null;
  readonly requestedBy: string;
  readonly requestId: string;
  readonly createdAt: Date;
  /** When an open one is given up, at the latest. */
  readonly expiresAt: Date;
  readonly finishedAt: Date | null;
}

interface CheckoutRow {
  readonly id: string;
  readonly org_id: string;
  readonly mode: 'subscription' | 'setup';
  readonly plan_key: string;
  readonly bill_interval: 'month' | 'year' | null;
  readonly seats: number;
  readonly success_url: string;
  readonly cancel_url: string;
  readonly status: CheckoutStatus;
  readonly stripe_session_id: string | null;
  readonly url: string | null;
  readonly requested_by: string;
  readonly request_id: string;
  readonly created_at: Date;
  readonly expires_at: Date;
  readonly finished_at: Date | null;
}

function checkoutOf(row: CheckoutRow): Checkout {
  return {
    id: row.id,
    orgId: row.org_id,
    mode: row.mode,
    planKey: row.plan_key,
    interval: row.bill_interval,
    seats: row.seats,
    successUrl: row.success_url,
    cancelUrl: row.cancel_url,
    status: row.status,
    sessionId: row.stripe_session_id,
    url: row.url,
    requestedBy: row.requested_by,
    requestId: row.request_id,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    finishedAt: row.finished_at,
  };
}

const byId = statement<CheckoutRow>('checkout-by-id', `SELECT * FROM checkouts WHERE id = $1`);
const lockById = statement<CheckoutRow>(
  'lock-checkout',
  `SELECT * FROM checkouts WHERE id = $1 FOR UPDATE`,
);
const bySession = statement<CheckoutRow>(
  'checkout-by-session',
  `SELECT * FROM checkouts WHERE stripe_session_id = $1`,
);
const openOf = statement<CheckoutRow>(
  'open-checkout-of',
  `SELECT * FROM checkouts WHERE org_id = $1 AND status = 'open'`,
);
const insert = statement<CheckoutRow>(
  'insert-checkout',
  `INSERT INTO checkouts (id, org_id, mode, plan_key, bill_interval, seats, success_url, cancel_url, status,
     requested_by, request_id, created_at, expires_at)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'open', $9, $10, $11, $12)
   ON CONFLICT (org_id) WHERE status = 'open' DO NOTHING RETURNING *`,
);
const attach = statement<CheckoutRow>(
  'attach-session',
  `UPDATE checkouts SET stripe_session_id = $2, url = CASE WHEN status = 'open' THEN $3 END, expires_at = $4
   WHERE id = $1 RETURNING *`,
);
const finish = statement<CheckoutRow>(
  'finish-checkout',
  `UPDATE checkouts SET status = $2, finished_at = $3, url = NULL WHERE id = $1 AND status = 'open' RETURNING *`,
);

async function one(
  db: Executor,
  query: Statement<CheckoutRow>,
  values: readonly unknown[],
): Promise<Checkout | null> {
  const [row] = await run(db, query, values);
  return row ? checkoutOf(row) : null;
}

export const readCheckout = (db: Executor, id: string): Promise<Checkout | null> =>
  one(db, byId, [id]);

export const lockCheckout = (tx: EntityManager, id: string): Promise<Checkout | null> =>
  one(tx, lockById, [id]);

export const checkoutOfSession = (db: Executor, sessionId: string): Promise<Checkout | null> =>
  one(db, bySession, [sessionId]);

/** The one that an organization has open; null where there is none. */
export const openCheckout = (db: Executor, orgId: string): Promise<Checkout | null> =>
  one(db, openOf, [orgId]);

/** Stores an open checkout; null where the organization has one open already. */
export const insertCheckout = (
  tx: EntityManager,
  checkout: Omit<Checkout, 'status' | 'sessionId' | 'url' | 'finishedAt'>,
): Promise<Checkout | null> =>
  one(tx, insert, [
    checkout.id,
    checkout.orgId,
    checkout.mode,
    checkout.planKey,
    checkout.interval,
    checkout.seats,
    checkout.successUrl,
    checkout.cancelUrl,
    checkout.requestedBy,
    checkout.requestId,
    checkout.createdAt,
    checkout.expiresAt,
  ]);

/** Notes the Session that Stripe made for a checkout, which may have ended meanwhile. Safe to repeat. */
export const attachSession = (
  db: Executor,
  id: string,
  session: { readonly id: string; readonly url: string | null; readonly expiresAt: Date },
): Promise<Checkout | null> => one(db, attach, [id, session.id, session.url, session.expiresAt]);

/** Ends an open checkout; null where it has ended: whoever comes first ends it. */
export const finishCheckout = (
  tx: EntityManager,
  id: string,
  status: Exclude<CheckoutStatus, 'open'>,
  now: Date,
): Promise<Checkout | null> => one(tx, finish, [id, status, now]);

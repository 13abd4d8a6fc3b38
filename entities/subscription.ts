import type { EntityManager } from 'typeorm';
import type { Catalog } from '../catalog/load-catalog';
import { DAY_MS } from '../platform/clock';
import { stateOfPlan, type BillingState, type Organization } from './organization';
import { run, statement, type Executor } from './sql';

/** A subscription as it was fetched from Stripe. */
export interface FetchedSubscription {
  readonly id: string;
  readonly customerId: string;
  readonly status: string;
  readonly priceId: string | null;
  readonly lookupKey: string | null;
  /** The plan that the price itself names. */
  readonly pricePlanKey: string | null;
  readonly productId: string | null;
  readonly quantity: number;
  readonly currentPeriodStart: Date | null;
  readonly currentPeriodEnd: Date | null;
  readonly cancelAtPeriodEnd: boolean;
  readonly createdAt: Date;
}

export interface StoredSubscription extends FetchedSubscription {
  readonly orgId: string;
  readonly planKey: string;
  readonly pastDueSince: Date | null;
  readonly updatedAt: Date;
}

interface Row {
  readonly id: string;
  readonly org_id: string;
  readonly stripe_customer_id: string;
  readonly plan_key: string;
  readonly stripe_product_id: string | null;
  readonly stripe_price_id: string | null;
  readonly status: string;
  readonly seats: number;
  readonly current_period_start: Date | null;
  readonly current_period_end: Date | null;
  readonly cancel_at_period_end: boolean;
  readonly past_due_since: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

const storedOf = (row: Row): StoredSubscription => ({
  id: row.id,
  orgId: row.org_id,
  customerId: row.stripe_customer_id,
  planKey: row.plan_key,
  status: row.status,
  priceId: row.stripe_price_id,
  lookupKey: null,
  pricePlanKey: null,
  productId: row.stripe_product_id,
  quantity: row.seats,
  currentPeriodStart: row.current_period_start,
  currentPeriodEnd: row.current_period_end,
  cancelAtPeriodEnd: row.cancel_at_period_end,
  pastDueSince: row.past_due_since,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});

const ticket = statement<{ seq: string }>(
  'fetch-ticket',
  `SELECT nextval('stripe_fetches') AS seq`,
);

/**
 * A number to be drawn *before* a subscription is fetched. What was fetched under a lower number than what is stored
 * is not applied: of two fetches under way the one that began later counts, whatever order they come back in.
 */
export async function fetchTicket(db: Executor): Promise<string> {
  const [row] = await run(db, ticket, []);
  return row?.seq ?? '0';
}

const upsert = statement<Row>(
  'apply-subscription',
  `INSERT INTO billing_subscriptions AS s (id, org_id, stripe_customer_id, plan_key, stripe_product_id,
     stripe_price_id, status, seats, current_period_start, current_period_end, cancel_at_period_end, past_due_since,
     fetch_seq, created_at, updated_at)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, CASE WHEN $7 = 'past_due' THEN $14::timestamptz END, $12, $13, $14)
   ON CONFLICT (id) DO UPDATE SET plan_key = $4, stripe_product_id = $5, stripe_price_id = $6, status = $7,
     seats = $8, current_period_start = $9, current_period_end = $10, cancel_at_period_end = $11,
     past_due_since = CASE WHEN $7 = 'past_due' THEN coalesce(s.past_due_since, $14::timestamptz) END,
     fetch_seq = $12, updated_at = $14
   WHERE s.fetch_seq < $12 AND s.org_id = $2
   RETURNING *`,
);

/** Stores what was fetched, unless something newer is stored; null then. */
export async function storeSubscription(
  tx: EntityManager,
  orgId: string,
  planKey: string,
  fetched: FetchedSubscription,
  seq: string,
  now: Date,
): Promise<StoredSubscription | null> {
  const [row] = await run(tx, upsert, [
    fetched.id,
    orgId,
    fetched.customerId,
    planKey,
    fetched.productId,
    fetched.priceId,
    fetched.status,
    fetched.quantity,
    fetched.currentPeriodStart,
    fetched.currentPeriodEnd,
    fetched.cancelAtPeriodEnd,
    seq,
    fetched.createdAt,
    now,
  ]);
  return row ? storedOf(row) : null;
}

const current = statement<Row>(
  'current-subscription',
  `SELECT * FROM billing_subscriptions WHERE org_id = $1
   ORDER BY CASE WHEN status LIKE 'incomplete%' THEN 2 WHEN status = 'canceled' THEN 1 ELSE 0 END,
     created_at DESC, id LIMIT 1`,
);

/** The subscription that decides an organization's plan: the newest that is alive, else that ended, else that never began. */
export async function currentSubscription(
  db: Executor,
  orgId: string,
): Promise<StoredSubscription | null> {
  const [row] = await run(db, current, [orgId]);
  return row ? storedOf(row) : null;
}

const ALIVE = ['active', 'trialing', 'past_due', 'unpaid', 'paused'];

/** Whether a subscription has begun and not ended. */
export const isAlive = ({ status }: Pick<StoredSubscription, 'status'>): boolean =>
  ALIVE.includes(status);

const superseded = statement<{ id: string }>(
  'superseded-subscriptions',
  `SELECT id FROM billing_subscriptions WHERE org_id = $1
     AND status = ANY ($2::text[]) ORDER BY created_at DESC, id OFFSET 1`,
);

/** Subscriptions that are alive beside the one that decides: another purchase has taken their place. */
export async function supersededSubscriptions(db: Executor, orgId: string): Promise<string[]> {
  return (await run(db, superseded, [orgId, ALIVE])).map(({ id }) => id);
}

const byId = statement<Row>(
  'subscription-by-id',
  `SELECT * FROM billing_subscriptions WHERE id = $1`,
);

export async function subscriptionById(
  db: Executor,
  id: string,
): Promise<StoredSubscription | null> {
  const [row] = await run(db, byId, [id]);
  return row ? storedOf(row) : null;
}

const overdue = statement<{ org_id: string }>(
  'overdue-organizations',
  `SELECT DISTINCT s.org_id FROM billing_subscriptions s JOIN organizations o ON o.id = s.org_id
   WHERE s.past_due_since <= $1 AND o.billing_state = 'payment_failed' LIMIT 100`,
);

/** Organizations whose time of grace is over and which don't know it yet. */
export async function overdueOrganizations(
  db: Executor,
  graceDays: number,
  now: Date,
): Promise<string[]> {
  const since = new Date(now.getTime() - graceDays * DAY_MS);
  return (await run(db, overdue, [since])).map(({ org_id }) => org_id);
}

/**
 * The catalogue's plan that a fetched subscription is of: by its price's lookup key, else by what the price says itself (a
 * newer price has taken over the key), else what the same price was before; one that isn't paid for keeps its plan at any
 * price. Null: a price of somebody else's.
 */
export function planOfSubscription(
  catalog: Catalog,
  fetched: FetchedSubscription,
  stored: StoredSubscription | null,
): string | null {
  const { lookupKey, pricePlanKey, priceId, status } = fetched;
  const keyed = catalog.plans.find(({ prices }) => Object.values(prices).includes(lookupKey ?? ''));
  if (keyed) return keyed.key;
  if (pricePlanKey !== null && catalog.plan(pricePlanKey)) return pricePlanKey;
  const isKept = stored?.priceId === priceId || !['active', 'trialing'].includes(status);
  return isKept ? (stored?.planKey ?? null) : null;
}

/** Plan and state that follow from a subscription. Null: it decides nothing, for it never began. */
export function standingOf(
  subscription: StoredSubscription,
  organization: Pick<Organization, 'cardOnFile' | 'billingState'>,
  terms: { readonly graceDays: number; readonly seatsIncluded: number },
  now: Date,
): {
  readonly planKey: string;
  readonly billingState: BillingState;
  readonly seats: number | null;
} | null {
  const { planKey, status, quantity } = subscription;
  const seats = quantity > terms.seatsIncluded ? quantity : null;
  switch (status) {
    case 'active':
    case 'trialing':
      return { planKey, billingState: stateOfPlan(planKey), seats };
    case 'past_due': {
      const isOver = now >= graceEnd(subscription, terms.graceDays, now);
      return { planKey, billingState: isOver ? 'restricted_read_only' : 'payment_failed', seats };
    }
    case 'unpaid':
    case 'paused':
      return { planKey, billingState: 'restricted_read_only', seats };
    case 'canceled':
      return organization.cardOnFile && !isUnpaid(organization.billingState)
        ? { planKey: 'payg', billingState: 'payg_active', seats: null }
        : { planKey: 'sandbox_grant', billingState: 'sandbox_grant', seats: null };
    default:
      return null;
  }
}

/** When the time of grace of a subscription that is past due ends. */
export function graceEnd(
  { pastDueSince }: Pick<StoredSubscription, 'pastDueSince'>,
  graceDays: number,
  now: Date,
): Date {
  return new Date((pastDueSince ?? now).getTime() + graceDays * DAY_MS);
}

/** Whose card could not be charged doesn't go on by paying as they go. */
const isUnpaid = (state: BillingState): boolean =>
  state === 'payment_failed' || state === 'restricted_read_only';

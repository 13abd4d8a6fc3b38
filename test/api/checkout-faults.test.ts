import { paySession } from '../../devstack/stripe/acts/pay-session';
import { changeNow, setStatus } from '../../devstack/stripe/acts/subscription-life';
import type { FakeFault } from '../../devstack/stripe/faults';
import { idOf } from '../../devstack/stripe/shapes/reference';
import type { Tenant } from '../support/api';
import { openShop, type Shop } from '../support/shop';

const CALL_FAULTS = ['status_500', 'status_429', 'timeout_after_commit', 'webhook_first'] as const;
const CALLS = [
  'POST /v1/customers',
  'GET /v1/prices',
  'POST /v1/checkout/sessions',
  'GET /v1/checkout/sessions/{id}',
  'GET /v1/subscriptions/{id}',
  'GET /v1/customers/{id}',
  'GET /v1/payment_methods',
  'GET /v1/invoices/{id}',
  'GET /v1/events',
];
const EVENT_FAULTS = ['drop', 'duplicate', 'delay', 'reorder', 'wrong_version'] as const;
const EVENTS = [
  'customer.created',
  'customer.updated',
  'payment_method.attached',
  'customer.subscription.created',
  'invoice.paid',
  'checkout.session.completed',
  'customer.subscription.updated',
  'customer.subscription.deleted',
];
/** Failures come three at a time: more than Stripe's own client makes up for by asking again. */
const TIMES: Partial<Record<FakeFault['kind'], number>> = {
  status_500: 3,
  status_429: 3,
  timeout_after_commit: 3,
};
/** Every fault on every call and every event of the story. */
const CELLS: FakeFault[] = [
  ...CALLS.flatMap((on) => CALL_FAULTS.map((kind) => ({ on, kind, times: TIMES[kind] ?? 1 }))),
  ...EVENTS.flatMap((on) => EVENT_FAULTS.map((kind) => ({ on, kind }))),
];

describe('a purchase, its upgrade and its end, with every fault at every moment', () => {
  let shop: Shop;
  const ends = new Map<string, string>();
  beforeAll(async () => {
    shop = await openShop();
    shop.stripe.whileHeld = () => shop.applyEvents();
  });
  afterAll(async () => {
    await shop.close();
    const legend =
      'fault × moment → subscriptions · changes of plan (bought, upgraded, ended) · audit records of completion';
    const grids = [gridOf(CALLS, CALL_FAULTS, ends), gridOf(EVENTS, EVENT_FAULTS, ends)];
    console.log([`${ends.size} cells: ${legend}`, ...grids].join('\n\n'));
  });

  /** Asks until Stripe can be asked, as a customer does who reads Retry-After. A failure leaves an intent and no more. */
  async function buy(tenant: Tenant): Promise<string> {
    for (let tries = 0; tries < 10; tries++) {
      const answer = await tenant.call('POST', '/v1/billing/checkout', { planKey: 'personal' });
      if (answer.status === 200) return answer.body.id as string;
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).not.toBeNull();
      const made = await shop.api.database.db.query(
        `SELECT status, (SELECT count(*)::int FROM billing_subscriptions WHERE org_id = $1) AS bought
         FROM checkouts WHERE org_id = $1`,
        [tenant.orgId],
      );
      expect(made).toEqual([{ status: 'open', bought: 0 }]);
    }
    throw new Error('the checkout never opened');
  }

  /** What the worker does in time: commands, polls of open checkouts, and the sweep of Stripe's list. */
  async function time(checkoutId: string): Promise<void> {
    await shop.work();
    for (let rounds = 0; rounds < 4; rounds++) {
      await shop.activities.pollCheckout(checkoutId).catch(() => null);
      await shop.activities.sweepStripe().catch(() => null);
      await shop.work();
    }
  }

  async function countsOf(orgId: string): Promise<Record<string, number>> {
    const [counts] = await shop.api.database.db.query(
      `SELECT (SELECT count(*) FROM billing_subscriptions WHERE org_id = $1)::int AS subscriptions,
         (SELECT count(*) FROM billing_customers WHERE org_id = $1)::int AS customers,
         (SELECT count(*) FROM checkouts WHERE org_id = $1)::int AS checkouts,
         (SELECT count(*) FROM checkouts WHERE org_id = $1 AND status = 'completed')::int AS completed,
         (SELECT count(*) FROM events WHERE org_id = $1 AND type = 'billing.checkout.completed')::int AS told,
         (SELECT count(*) FROM audit_records WHERE org_id = $1 AND action = 'checkout.completed')::int AS audited,
         (SELECT count(*) FROM events WHERE org_id = $1 AND type = 'billing.subscription.updated')::int AS "changes told",
         (SELECT count(*) FROM audit_records WHERE org_id = $1 AND action = 'billing.subscription.updated')::int AS changes,
         (SELECT count(*) FROM audit_records WHERE org_id = $1 AND action = 'billing.card.added')::int AS cards`,
      [orgId],
    );
    return counts as Record<string, number>;
  }

  it.each(CELLS.map((cell) => [cell.kind, cell.on, cell] as const))(
    '%s on %s ends with one subscription, one change of plan at a time, one audit record each',
    async (kind, on, cell) => {
      const { state, faults } = shop.stripe;
      faults.clear();
      const tenant = await shop.api.newTenant({ planKey: 'sandbox_grant' });
      const plan = async (): Promise<string> =>
        (await tenant.call('GET', '/v1/billing')).body.effectivePlanKey as string;
      faults.add(cell);

      const id = await buy(tenant);
      const sessions = [...state.sessions.values()];
      const mine = sessions.filter(({ client_reference_id: reference }) => reference === id);
      expect(mine).toHaveLength(1);
      paySession(state, mine[0]?.id ?? '');
      await time(id);
      expect(await plan()).toBe('personal');
      const subscription = idOf(mine[0]?.subscription);
      changeNow(state, subscription, 'secapi_team_month', 1);
      await time(id);
      expect(await plan()).toBe('team');
      setStatus(state, subscription, 'canceled');
      await time(id);
      expect(await plan()).toBe('payg');

      const counts = await countsOf(tenant.orgId);
      expect(counts).toEqual({
        subscriptions: 1,
        customers: 1,
        checkouts: 1,
        completed: 1,
        told: 1,
        audited: 1,
        'changes told': 3,
        changes: 3,
        cards: 1,
      });
      expect((await tenant.call('GET', '/v1/audit/verify')).body.ok).toBe(true);
      expect(faults.waiting()).toEqual([]);
      const { subscriptions, changes, audited } = counts;
      ends.set(`${kind} ${on}`, `${subscriptions} · ${changes} · ${audited}`);
    },
    60_000,
  );
});

/** A table of how the cells ended: a moment a row, a fault a column. */
function gridOf(
  moments: readonly string[],
  kinds: readonly string[],
  ends: ReadonlyMap<string, string>,
): string {
  const row = (name: string, cells: readonly string[]): string =>
    name.padEnd(32) + cells.map((cell) => cell.padEnd(22)).join('');
  return [
    row('', kinds),
    ...moments.map((on) =>
      row(
        on,
        kinds.map((kind) => ends.get(`${kind} ${on}`) ?? 'failed'),
      ),
    ),
  ].join('\n');
}

import { paySession } from '../../devstack/stripe/acts/pay-session';
import { changeNow, setStatus } from '../../devstack/stripe/acts/subscription-life';
import { idOf } from '../../devstack/stripe/shapes/reference';
import type { FakeFault } from '../../devstack/stripe/faults';
import type { Tenant } from '../support/api';
import { openShop, type Shop } from '../support/shop';

const CALL_FAULTS = ['status_500', 'status_429', 'timeout_after_commit', 'webhook_first'] as const;
const EVENT_FAULTS = ['drop', 'duplicate', 'delay', 'reorder', 'wrong_version'] as const;
const CALLS = [
  'POST /v1/customers',
  'GET /v1/prices',
  'POST /v1/checkout/sessions',
  'GET /v1/checkout/sessions/{id}',
  'GET /v1/subscriptions/{id}',
  'GET /v1/invoices/{id}',
];
const EVENTS = [
  'customer.created',
  'payment_method.attached',
  'customer.subscription.created',
  'invoice.paid',
  'checkout.session.completed',
  'customer.subscription.updated',
  'customer.subscription.deleted',
];
/** Every fault on every call and every event of the story. */
const CELLS: FakeFault[] = [
  ...CALLS.flatMap((on) => CALL_FAULTS.map((kind) => ({ on, kind }))),
  ...EVENTS.flatMap((on) => EVENT_FAULTS.map((kind) => ({ on, kind }))),
];

describe('a purchase, its upgrade and its end, with every fault at every moment', () => {
  let shop: Shop;
  const table: string[] = [];
  beforeAll(async () => {
    shop = await openShop();
  });
  afterAll(async () => {
    await shop.close();
    console.log([`${table.length} cells: fault × moment → end`, ...table].join('\n'));
  });

  /** Asks until Stripe can be asked, as a customer does who reads Retry-After. */
  async function buy(tenant: Tenant): Promise<{ id: string }> {
    for (let tries = 0; tries < 10; tries++) {
      const answer = await tenant.call('POST', '/v1/billing/checkout', { planKey: 'personal' });
      if (answer.status === 200) return answer.body as { id: string };
      expect(answer.status).toBe(503);
    }
    throw new Error('the checkout never opened');
  }
  /** What the worker does in time: commands, polls of open checkouts, and the sweep of Stripe's list. */
  async function time(checkoutId: string): Promise<void> {
    await shop.work();
    for (let tries = 0; tries < 4; tries++) {
      await shop.activities.pollCheckout(checkoutId).catch(() => null);
      await shop.activities.sweepStripe().catch(() => null);
      await shop.work();
    }
  }

  it.each(CELLS.map((cell) => [cell.kind, cell.on, cell] as const))(
    '%s on %s ends with one subscription, one change of plan at a time, one audit record each',
    async (kind, on, cell) => {
      shop.stripe.faults.clear();
      const tenant = await shop.api.newTenant({ planKey: 'sandbox_grant' });
      shop.stripe.faults.add(cell);
      const { id } = await buy(tenant);
      const session = [...shop.stripe.state.sessions.values()].filter(
        (known) => known.client_reference_id === id,
      );
      expect(session).toHaveLength(1);
      paySession(shop.stripe.state, session[0]?.id ?? '');
      await time(id);
      const plan = async (): Promise<string> =>
        (await tenant.call('GET', '/v1/billing')).body.effectivePlanKey;
      expect(await plan()).toBe('personal');
      const subscription = idOf(session[0]?.subscription);
      changeNow(shop.stripe.state, subscription, 'secapi_team_month', 1);
      await time(id);
      expect(await plan()).toBe('team');
      setStatus(shop.stripe.state, subscription, 'canceled');
      await time(id);
      expect(await plan()).toBe('payg');

      const { orgId } = tenant;
      const [counts] = await shop.api.database.db.query(
        `SELECT (SELECT count(*) FROM billing_subscriptions WHERE org_id = $1)::int AS subscriptions,
           (SELECT count(*) FROM billing_customers WHERE org_id = $1)::int AS customers,
           (SELECT count(*) FROM checkouts WHERE org_id = $1 AND status = 'completed')::int AS completed,
           (SELECT count(*) FROM events WHERE org_id = $1 AND type = 'billing.checkout.completed')::int AS told,
           (SELECT count(*) FROM audit_records WHERE org_id = $1 AND action = 'checkout.completed')::int AS audited,
           (SELECT count(*) FROM audit_records WHERE org_id = $1 AND action = 'billing.subscription.updated')::int AS changes`,
        [orgId],
      );
      expect(counts).toEqual({
        subscriptions: 1,
        customers: 1,
        completed: 1,
        told: 1,
        audited: 1,
        changes: 3,
      });
      expect((await tenant.call('GET', '/v1/audit/verify')).body.ok).toBe(true);
      table.push(`${kind.padEnd(22)}${on.padEnd(34)}personal → team → payg, once each`);
    },
    30_000,
  );
});

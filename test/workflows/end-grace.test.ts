import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { createStripeActivities, type StripeActivities } from '../../activities/stripe';
import { loadCatalog } from '../../catalog/load-catalog';
import { paySession } from '../../devstack/stripe/acts/pay-session';
import { setStatus } from '../../devstack/stripe/acts/subscription-life';
import { idOf } from '../../devstack/stripe/shapes/reference';
import { startFakeStripe, type FakeStripe } from '../../devstack/stripe/server';
import { insertCheckout } from '../../entities/checkout';
import { STANDARD_SCHEDULE } from '../../entities/delivery-schedule';
import { Organization } from '../../entities/organization';
import { createStripePort } from '../../integrations/stripe';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../platform/clock';
import { newId } from '../../platform/ids';
import { createLog } from '../../platform/log';
import { BUSINESS_QUEUE, END_GRACE, endGraceId } from '../../workflows/contracts';
import { openSandbox, type Sandbox } from '../support/sandbox';
import { openSkippedTime, skippedClock, workOn } from '../support/skipped-time';

const GRACE_DAYS = 7;

/** Over the real activities, a real database and the fake Stripe; only time is skipped. */
describe('endGrace, in skipped time', () => {
  let env: TestWorkflowEnvironment;
  let stripe: FakeStripe;
  let sandbox: Sandbox;
  let activities: StripeActivities;
  let subscriptionId: string;
  /** What was asked of the world, with the hours since the payment failed. */
  let asked: [string, number][];

  beforeAll(async () => {
    env = await openSkippedTime();
    stripe = await startFakeStripe({
      webhookSecret: 'whsec_none',
      webhookUrl: () => null,
      prices: [{ lookupKey: 'secapi_team_month', cents: 23_900, interval: 'month' }],
    });
  }, 60_000);
  afterAll(async () => {
    await stripe.close();
    await env.teardown();
  });
  afterEach(() => sandbox.close());

  beforeEach(async () => {
    const clock = skippedClock(new Date(await env.currentTimeMs()));
    sandbox = await openSandbox(clock);
    activities = createStripeActivities({
      db: sandbox.db,
      clock,
      log: createLog('test', 'silent'),
      schedule: STANDARD_SCHEDULE,
      catalog: loadCatalog(''),
      stripe: createStripePort({
        secretKey: 'sk_test_fake',
        apiUrl: stripe.url,
        webhookSecret: '',
      }),
      publicUrl: 'http://127.0.0.1',
      graceDays: GRACE_DAYS,
      countIgnored: () => undefined,
      wake: () => undefined,
    });
    subscriptionId = await failingSubscription();
    const startedAt = clock.now().getTime();
    asked = [];
    const { readGrace, endGrace } = activities;
    const noting =
      <View>(name: string, act: (orgId: string) => Promise<View>) =>
      async (orgId: string) => {
        asked.push([name, ((await env.currentTimeMs()) - startedAt) / HOUR_MS]);
        return act(orgId);
      };
    activities = {
      ...activities,
      readGrace: noting('read', readGrace),
      endGrace: noting('end', endGrace),
    };
  });

  /** An organization on the team plan whose payment has just failed. Answers its subscription. */
  async function failingSubscription(): Promise<string> {
    const { db, orgId } = sandbox;
    const id = newId('chk');
    const now = new Date(await env.currentTimeMs());
    await db.transaction((tx) =>
      insertCheckout(tx, {
        id,
        orgId,
        mode: 'subscription',
        planKey: 'team',
        interval: 'month',
        seats: 1,
        successUrl: '',
        cancelUrl: 'http://127.0.0.1',
        requestedBy: 'key_x',
        requestId: 'req_x',
        createdAt: now,
        expiresAt: new Date(now.getTime() + DAY_MS),
      }),
    );
    await activities.pollCheckout(id);
    const sessions = [...stripe.state.sessions.values()];
    const session = sessions.find(({ client_reference_id: reference }) => reference === id);
    paySession(stripe.state, session?.id ?? '');
    await activities.pollCheckout(id);
    const subscription = idOf(session?.subscription);
    setStatus(stripe.state, subscription, 'past_due');
    await activities.endGrace(orgId);
    return subscription;
  }

  const state = async (): Promise<string> =>
    (await sandbox.db.getRepository(Organization).findOneByOrFail({ id: sandbox.orgId }))
      .billingState;

  async function run(meanwhile?: (wake: () => Promise<void>) => Promise<void>): Promise<string> {
    const worker = await workOn(env, activities, BUSINESS_QUEUE);
    return worker.runUntil(async () => {
      const handle = await env.client.workflow.start(END_GRACE, {
        workflowId: endGraceId(sandbox.orgId),
        taskQueue: BUSINESS_QUEUE,
        args: [{ orgId: sandbox.orgId }],
      });
      await meanwhile?.(() => handle.signal('wake'));
      return handle.result() as Promise<string>;
    });
  }

  it('sleeps through the seven days, asks Stripe once more, and leaves reads alone', async () => {
    expect(await state()).toBe('payment_failed');
    expect(await run()).toBe('restricted_read_only');
    expect(await state()).toBe('restricted_read_only');
    expect(asked.map(([name]) => name)).toEqual(['read', 'end']);
    const days = (asked.at(-1)?.[1] ?? 0) / 24;
    expect(days).toBeGreaterThanOrEqual(GRACE_DAYS);
    expect(days).toBeLessThan(GRACE_DAYS + 0.1);
  }, 60_000);

  it('ends at once where it is woken and the payment came in', async () => {
    const end = await run(async (wake) => {
      await env.sleep(2 * DAY_MS);
      setStatus(stripe.state, subscriptionId, 'active');
      await activities.endGrace(sandbox.orgId);
      await wake();
    });
    expect(end).toBe('team_active');
    expect((asked.at(-1)?.[1] ?? 0) / 24).toBeLessThan(3);
  }, 60_000);

  it('waits on where it is woken and nothing was paid', async () => {
    const end = await run(async (wake) => {
      await env.sleep(3 * DAY_MS);
      await wake();
    });
    expect(end).toBe('restricted_read_only');
    expect(asked.map(([name]) => name)).toEqual(['read', 'read', 'end']);
    expect((asked.at(-1)?.[1] ?? 0) / 24).toBeGreaterThanOrEqual(GRACE_DAYS);
  }, 60_000);

  it('goes on where Stripe, asked at the end, says that it was paid', async () => {
    const end = await run(async () => {
      await env.sleep(6 * DAY_MS);
      setStatus(stripe.state, subscriptionId, 'active');
    });
    expect(end).toBe('team_active');
    expect(await state()).toBe('team_active');
  }, 60_000);

  it(
    'restricts nobody while Stripe is away at the end, and asks until it is back',
    async () => {
      const on = 'GET /v1/subscriptions/{id}';
      stripe.faults.add({ on, kind: 'status_500', times: 6 });
      expect(await run()).toBe('restricted_read_only');
      expect(asked.filter(([name]) => name === 'end').length).toBeGreaterThanOrEqual(3);
      expect(stripe.faults.waiting()).toEqual([]);
    },
    MINUTE_MS,
  );
});

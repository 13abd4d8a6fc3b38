import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { CheckoutView } from '../../activities/stripe';
import { HOUR_MS, MINUTE_MS } from '../../platform/clock';
import { BUSINESS_QUEUE, RECONCILE_CHECKOUT } from '../../workflows/contracts';
import { openSkippedTime, workOn } from '../support/skipped-time';

describe('reconcileCheckout, in skipped time', () => {
  let env: TestWorkflowEnvironment;
  beforeAll(async () => {
    env = await openSkippedTime();
  }, 60_000);
  afterAll(() => env.teardown());

  /** Runs it against a checkout that ends after some hours; answers how it ended and when it asked. */
  async function run(endsAfterMs: number, as: CheckoutView['status'], signalAfterMs?: number) {
    const startedAt = await env.currentTimeMs();
    const asked: number[] = [];
    let ended = false;
    const activities = {
      async pollCheckout(): Promise<CheckoutView> {
        const now = await env.currentTimeMs();
        asked.push(now - startedAt);
        ended = ended || now - startedAt >= endsAfterMs;
        const status = ended ? as : 'open';
        return { status, planKey: 'team', createdAt: startedAt, hasSession: true };
      },
    };
    const worker = await workOn(env, activities, BUSINESS_QUEUE);
    const end = await worker.runUntil(async () => {
      const handle = await env.client.workflow.start(RECONCILE_CHECKOUT, {
        workflowId: `checkout-${startedAt}`,
        taskQueue: BUSINESS_QUEUE,
        args: [{ checkoutId: 'chk_x' }],
      });
      if (signalAfterMs !== undefined) {
        await env.sleep(signalAfterMs);
        await handle.signal('stripeSaid', 'evt_x');
      }
      return handle.result() as Promise<string>;
    });
    return { end, asked };
  }

  it('asks at growing gaps, from ten seconds to an hour, until the session has expired at 24 h', async () => {
    const { end, asked } = await run(24 * HOUR_MS, 'expired');
    expect(end).toBe('expired');
    const gaps = asked.slice(1).map((at, i) => at - (asked[i] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(10_000);
    expect(Math.max(...gaps)).toBeLessThan(HOUR_MS + MINUTE_MS);
    gaps.slice(1).forEach((gap, i) => expect(gap).toBeGreaterThanOrEqual((gaps[i] ?? 0) - 2_000));
    expect(asked.length).toBeLessThan(60);
    expect((asked.at(-1) ?? 0) - 24 * HOUR_MS).toBeLessThan(HOUR_MS + MINUTE_MS);
  }, 60_000);

  it('asks at once when Stripe said something', async () => {
    const { end, asked } = await run(2 * HOUR_MS, 'completed', 2 * HOUR_MS);
    expect(end).toBe('completed');
    expect((asked.at(-1) ?? 0) - 2 * HOUR_MS).toBeLessThan(MINUTE_MS);
  }, 60_000);
});

import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { startReceiver, type Receiver } from '../../devstack/receiver';
import { claimRecoveryReplays, openPage } from '../../entities/recovery-pages';
import { startRecovery } from '../../entities/start-recovery';
import { WebhookAttempt } from '../../entities/webhook-attempt';
import { WebhookDelivery } from '../../entities/webhook-delivery';
import { WebhookRecovery } from '../../entities/webhook-recovery';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../platform/clock';
import { newId } from '../../platform/ids';
import { DELIVERIES_QUEUE, RECOVER_ENDPOINT, recoverEndpointId } from '../../workflows/contracts';
import { failedDeliveries } from '../support/failed-deliveries';
import { openSandbox, type Sandbox } from '../support/sandbox';
import { openSkippedTime, skippedClock, workOn } from '../support/skipped-time';
import { until } from '../support/until';

describe('recoverEndpoint, in skipped time', () => {
  let env: TestWorkflowEnvironment;
  let receiver: Receiver;
  let sandbox: Sandbox;
  beforeAll(async () => {
    env = await openSkippedTime();
    receiver = await startReceiver();
  }, 60_000);
  beforeEach(async () => {
    sandbox = await openSandbox(skippedClock(new Date(await env.currentTimeMs())));
  });
  afterEach(async () => {
    expect(await sandbox.complaints(receiver.requests)).toEqual([]);
    await sandbox.close();
    receiver.clear();
  });
  afterAll(async () => {
    await env.teardown();
    await receiver.close();
  });

  /** A recovery of `count` failed deliveries to an endpoint at `path`, with its deliveries, oldest first. */
  async function newRecovery(path: string, count: number, perSecond = 200) {
    const now = new Date(await env.currentTimeMs());
    const since = new Date(now.getTime() - DAY_MS);
    const endpoint = await sandbox.newEndpoint(receiver.url + path);
    const deliveries = await failedDeliveries(sandbox.db, endpoint, count, since);
    const range = { since, until: now, perSecond, requestId: newId('req'), now };
    const { id } = await sandbox.db.transaction((tx) => startRecovery(tx, endpoint, range));
    return { id, deliveries };
  }
  const start = (recoveryId: string): Promise<WorkflowHandle> =>
    env.client.workflow.start(RECOVER_ENDPOINT, {
      workflowId: recoverEndpointId(recoveryId),
      taskQueue: DELIVERIES_QUEUE,
      args: [{ recoveryId }],
    });
  async function run<Value>(act: () => Promise<Value>): Promise<Value> {
    return (await workOn(env, sandbox.activities)).runUntil(act);
  }
  const toTheEnd = (recoveryId: string): Promise<unknown> =>
    run(async () => (await start(recoveryId)).result());
  const progress = (id: string): Promise<WebhookRecovery> =>
    sandbox.db.getRepository(WebhookRecovery).findOneByOrFail({ id });
  const replays = (): Promise<WebhookAttempt[]> =>
    sandbox.db
      .getRepository(WebhookAttempt)
      .find({ where: { trigger: 'replay' }, order: { createdAt: 'ASC', id: 'ASC' } });
  /** How many attempts were claimed at each moment, in order. */
  const pages = (attempts: readonly WebhookAttempt[]): [number, number][] => {
    const sizes = new Map<number, number>();
    for (const { createdAt } of attempts) {
      sizes.set(createdAt.getTime(), (sizes.get(createdAt.getTime()) ?? 0) + 1);
    }
    return [...sizes];
  };

  it('replays each delivery once, oldest first, and ends done with its progress on its row', async () => {
    const { id, deliveries } = await newRecovery('/ok', 25);
    expect(await toTheEnd(id)).toBe('done');
    const made = await replays();
    expect(made.map(({ deliveryId }) => deliveryId)).toEqual(deliveries);
    for (const attempt of made) {
      expect(attempt).toMatchObject({ ok: true, attempt: 9, trigger: 'replay' });
    }
    expect(await progress(id)).toMatchObject({
      status: 'done',
      total: 25,
      replayed: 25,
      succeeded: 25,
      failed: 0,
    });
    const left = await sandbox.db.getRepository(WebhookDelivery).countBy({ status: 'failed' });
    expect(left).toBe(0);
    const records = await sandbox.db.query<{ action: string }[]>(
      'SELECT action FROM audit_records',
    );
    expect(records).toEqual([{ action: 'webhook_recovery.done' }]);
  }, 60_000);

  it('makes as many a second as it was told at most, and feels its way up from ten', async () => {
    const slow = await newRecovery('/ok?slow', 9, 3);
    await toTheEnd(slow.id);
    const held = pages(await replays());
    expect(held.map(([, size]) => size)).toEqual([3, 3, 3]);
    await sandbox.db.query('DELETE FROM webhook_attempts');
    const fast = await newRecovery('/ok?fast', 60, 20);
    await toTheEnd(fast.id);
    const growing = pages(await replays());
    expect(growing.map(([, size]) => size)).toEqual([10, 15, 20, 15]);
    for (const list of [held, growing]) {
      list.forEach(([at], i) => {
        const before = list[i - 1];
        if (before) expect(at - before[0]).toBeGreaterThanOrEqual(SECOND_MS - 1);
      });
    }
  }, 60_000);

  it('eases off while the endpoint fails again, and leaves those deliveries failed', async () => {
    const { id } = await newRecovery('/fail', 20);
    expect(await toTheEnd(id)).toBe('done');
    const sizes = pages(await replays()).map(([, size]) => size);
    expect(sizes).toEqual([10, 5, 2, 1, 1, 1]);
    expect(await progress(id)).toMatchObject({ replayed: 20, succeeded: 0, failed: 20 });
    const left = await sandbox.db.getRepository(WebhookDelivery).countBy({ status: 'failed' });
    expect(left).toBe(20);
  }, 60_000);

  it('does not ease off where events are refused one by one', async () => {
    const { id } = await newRecovery('/status/422', 25);
    await toTheEnd(id);
    expect(pages(await replays()).map(([, size]) => size)).toEqual([10, 15]);
    expect(await progress(id)).toMatchObject({ status: 'done', failed: 25 });
  }, 60_000);

  it('waits as long as the endpoint asks with Retry-After', async () => {
    const { id } = await newRecovery('/retry-after/120', 15);
    await toTheEnd(id);
    const [first, second] = pages(await replays());
    expect((second?.[0] ?? 0) - (first?.[0] ?? 0)).toBeGreaterThanOrEqual(2 * MINUTE_MS);
  }, 60_000);

  it('is paused, resumed and cancelled by an operator’s signals', async () => {
    const { id } = await newRecovery('/ok', 30, 5);
    await run(async () => {
      const handle = await start(id);
      const row = () => progress(id);
      await until(row, ({ replayed }) => replayed >= 5);
      await handle.signal('pause');
      const paused = await until(row, ({ status }) => status === 'paused');
      await env.sleep(HOUR_MS);
      const later = await progress(id);
      expect(later.replayed - paused.replayed).toBeLessThanOrEqual(5);
      await handle.signal('resume');
      await until(row, ({ replayed }) => replayed > later.replayed);
      await handle.signal('cancel');
      expect(await handle.result()).toBe('cancelled');
    });
    const end = await progress(id);
    expect(end).toMatchObject({ status: 'cancelled', succeeded: end.replayed });
    expect(end.replayed).toBeLessThan(30);
    expect(await replays()).toHaveLength(end.replayed);
  }, 60_000);

  it('never replays again what a dying worker had claimed: nobody knows its outcome, and it counts as failed', async () => {
    const { id, deliveries } = await newRecovery('/ok', 12);
    const now = new Date(await env.currentTimeMs());
    await openPage(sandbox.db, id, now);
    expect(await claimRecoveryReplays(sandbox.db, id, 3, now)).toHaveLength(3);
    expect(await progress(id)).toMatchObject({ replayed: 3, succeeded: 0, failed: 0 });
    expect(await toTheEnd(id)).toBe('done');
    expect(await progress(id)).toMatchObject({ replayed: 12, succeeded: 9, failed: 3 });
    const made = await replays();
    expect(made).toHaveLength(12);
    const unknown = made.filter(({ error }) => error === 'outcome_unknown');
    expect(unknown.map(({ deliveryId }) => deliveryId).sort()).toEqual(deliveries.slice(0, 3));
    expect(receiver.requests).toHaveLength(9);
  }, 60_000);

  it('counts what it could not make at all as failed, and goes on', async () => {
    const { id } = await newRecovery('/ok', 3, 3);
    await sandbox.db.query(
      `UPDATE webhook_endpoints SET secret_sealed = 'sealed under another key'`,
    );
    expect(await toTheEnd(id)).toBe('done');
    expect(await progress(id)).toMatchObject({ replayed: 3, succeeded: 0, failed: 3 });
  }, 60_000);

  it('counts what was dropped for its age meanwhile as failed, and ends', async () => {
    const { id, deliveries } = await newRecovery('/ok', 40);
    const [noDelivery, rest] = [deliveries.slice(0, 30), deliveries.slice(30)];
    await sandbox.db.query('DELETE FROM webhook_deliveries WHERE id = ANY ($1)', [noDelivery]);
    await sandbox.db.query(
      'DELETE FROM events e USING webhook_deliveries d WHERE e.id = d.event_id AND d.id = ANY ($1)',
      [rest.slice(0, 2)],
    );
    const now = new Date(await env.currentTimeMs());
    expect(await claimRecoveryReplays(sandbox.db, id, 10, now)).toEqual([]);
    expect(await toTheEnd(id)).toBe('done');
    expect(await progress(id)).toMatchObject({ replayed: 40, succeeded: 8, failed: 32 });
  }, 60_000);

  it('replays nothing twice and keeps its pace where several workers make its pages at once', async () => {
    const { id } = await newRecovery('/slow/20', 40, 10);
    await run(async () => {
      const handle = await start(id);
      const now = new Date(await env.currentTimeMs());
      const more = Array.from({ length: 10 }, () => openPage(sandbox.db, id, now));
      const opened = (await Promise.all(more)).filter((page) => page !== null);
      expect(opened.length).toBeLessThanOrEqual(1);
      const claims = Array.from({ length: 5 }, () => claimRecoveryReplays(sandbox.db, id, 1, now));
      await Promise.all(claims);
      expect(await handle.result()).toBe('done');
    });
    const made = await replays();
    expect(new Set(made.map(({ deliveryId }) => deliveryId)).size).toBe(40);
    expect(made).toHaveLength(40);
  }, 60_000);
});

import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { WorkflowHandle } from '@temporalio/client';
import { startReceiver, type Receiver } from '../../devstack/receiver';
import { WebhookAttempt } from '../../entities/webhook-attempt';
import type { WebhookDelivery } from '../../entities/webhook-delivery';
import { WebhookEndpoint } from '../../entities/webhook-endpoint';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../platform/clock';
import { DELIVER_WEBHOOK, DELIVERIES_QUEUE, deliverWebhookId } from '../../workflows/contracts';
import { openSandbox, type Sandbox } from '../support/sandbox';
import { openSkippedTime, skippedClock, workOn } from '../support/skipped-time';

describe('deliverWebhook, in skipped time', () => {
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

  async function newDelivery(path: string): Promise<WebhookDelivery> {
    await sandbox.newEndpoint(receiver.url + path);
    const event = await sandbox.publish({ now: new Date(await env.currentTimeMs()) });
    return sandbox.delivery(event.id);
  }

  function start(delivery: WebhookDelivery): Promise<WorkflowHandle> {
    return env.client.workflow.start(DELIVER_WEBHOOK, {
      workflowId: deliverWebhookId(delivery.id),
      taskQueue: DELIVERIES_QUEUE,
      args: [{ deliveryId: delivery.id }],
    });
  }

  async function run<Value>(act: () => Promise<Value>): Promise<Value> {
    const worker = await workOn(env, sandbox.activities);
    return worker.runUntil(act);
  }

  const attemptsOf = (delivery: WebhookDelivery): Promise<WebhookAttempt[]> =>
    sandbox.db
      .getRepository(WebhookAttempt)
      .find({ where: { deliveryId: delivery.id }, order: { attempt: 'ASC' } });

  it('tries at 0 s, 30 s, 2.5 min, 12.5 min, 72.5 min, 5 h 12.5 min, 17 h 12.5 min and 41 h 12.5 min', async () => {
    const delivery = await newDelivery('/fail/7');
    const end = await run(async () => (await start(delivery)).result());
    expect(end).toBe('delivered');
    const attempts = await attemptsOf(delivery);
    expect(attempts.map((attempt) => attempt.ok)).toEqual([...Array<boolean>(7).fill(false), true]);
    const due = [0, 30, 150, 750, 4_350, 18_750, 61_950, 148_350].map((s) => s * SECOND_MS);
    attempts.forEach((attempt, i) => {
      const lateMs = attempt.createdAt.getTime() - delivery.createdAt.getTime() - (due[i] ?? 0);
      expect(lateMs).toBeGreaterThanOrEqual(0);
      expect(lateMs).toBeLessThan((due[i] ?? 0) * 0.11 + 25 * SECOND_MS);
    });
    const bodies = new Set(receiver.requests.map((request) => request.body));
    expect(bodies.size).toBe(1);
    expect(receiver.requests.map((r) => r.headers['secapi-attempt'])).toEqual([
      '1',
      '2',
      '3',
      '4',
      '5',
      '6',
      '7',
      '8',
    ]);
  }, 60_000);

  it('fails after the 8th attempt, tells the other endpoints, and stays for a replay until 72 h', async () => {
    const delivery = await newDelivery('/fail');
    const listener = await sandbox.newEndpoint(`${receiver.url}/ok`, {
      subscribedEventTypes: ['webhook.delivery.exhausted'],
    });
    const closedAfter = await run(async () => {
      const handle = await start(delivery);
      expect(await handle.result()).toBe('failed');
      const { closeTime, startTime } = await handle.describe();
      return (closeTime?.getTime() ?? 0) - startTime.getTime();
    });
    expect(closedAfter).toBeGreaterThanOrEqual(72 * HOUR_MS - 5 * SECOND_MS);
    expect(await attemptsOf(delivery)).toHaveLength(8);
    const after = await sandbox.delivery(delivery.eventId);
    expect(after).toMatchObject({ status: 'failed', step: 8, nextAt: null });
    const [told] = await sandbox.db.query<{ endpoint_id: string }[]>(
      `SELECT endpoint_id FROM webhook_deliveries WHERE event_type = 'webhook.delivery.exhausted'`,
    );
    expect(told?.endpoint_id).toBe(listener.id);
  }, 60_000);

  it('ends at once where it is started for one that has arrived, and serves a replay later all the same', async () => {
    const delivery = await newDelivery('/ok');
    const options = { workflowId: deliverWebhookId(delivery.id), taskQueue: DELIVERIES_QUEUE };
    await run(async () => {
      await (await start(delivery)).result();
      const shown = await env.client.workflow.start(DELIVER_WEBHOOK, {
        ...options,
        args: [{ deliveryId: delivery.id, arrivedAt: 1 }],
      });
      expect(await shown.result()).toBe('delivered');
      expect(await attemptsOf(delivery)).toHaveLength(1);
      const replayed = await env.client.workflow.signalWithStart(DELIVER_WEBHOOK, {
        ...options,
        args: [{ deliveryId: delivery.id }],
        signal: 'replay',
      });
      await replayed.result();
    });
    expect((await attemptsOf(delivery)).map(({ trigger }) => trigger)).toEqual([
      'schedule',
      'replay',
    ]);
  }, 60_000);

  it('makes a replay at once while it waits, which uses up no step and moves no time', async () => {
    const delivery = await newDelivery('/fail/2');
    await run(async () => {
      const handle = await start(delivery);
      await env.sleep(10 * SECOND_MS);
      await handle.signal('replay');
      await env.sleep(5 * SECOND_MS);
      const [first, second] = await attemptsOf(delivery);
      expect(first).toMatchObject({ trigger: 'schedule', ok: false });
      expect(second).toMatchObject({ trigger: 'replay', ok: false, attempt: 2 });
      const waiting = await sandbox.delivery(delivery.eventId);
      expect(waiting).toMatchObject({ status: 'pending', step: 1, attempts: 2 });
      const dueMs = (waiting.nextAt?.getTime() ?? 0) - (first?.endedAt?.getTime() ?? 0);
      expect(dueMs).toBe(30 * SECOND_MS);
      expect(await handle.result()).toBe('delivered');
    });
    expect((await attemptsOf(delivery)).at(-1)).toMatchObject({ trigger: 'schedule', ok: true });
  }, 60_000);

  it('makes ten replays for ten signals, one after another, and drops a repeated id', async () => {
    const delivery = await newDelivery('/slow/30');
    await run(async () => {
      const handle = await start(delivery);
      await handle.result();
      const second = await env.client.workflow.signalWithStart(DELIVER_WEBHOOK, {
        workflowId: deliverWebhookId(delivery.id),
        taskQueue: DELIVERIES_QUEUE,
        args: [{ deliveryId: delivery.id }],
        signal: 'replay',
        signalArgs: [],
      });
      const once = { replayId: 'rpl_0123456789abcdef0123456789abcdef' };
      for (let i = 0; i < 8; i++) await second.signal('replay');
      for (let i = 0; i < 2; i++) await second.signal('replay', once);
      await second.result();
    });
    const replays = (await attemptsOf(delivery)).filter((attempt) => attempt.trigger === 'replay');
    expect(replays).toHaveLength(10);
    for (const [i, replay] of replays.entries()) {
      const before = replays[i - 1];
      if (before) expect(replay.attempt).toBe(before.attempt + 1);
    }
  }, 60_000);

  it('ends cancelled when it is asked to, and makes no further attempt', async () => {
    const delivery = await newDelivery('/fail');
    const end = await run(async () => {
      const handle = await start(delivery);
      await env.sleep(5 * SECOND_MS);
      await handle.signal('cancel');
      return handle.result();
    });
    expect(end).toBe('cancelled');
    expect(await attemptsOf(delivery)).toHaveLength(1);
    expect(await sandbox.delivery(delivery.eventId)).toMatchObject({ status: 'cancelled' });
  }, 60_000);

  it('waits without using up attempts while its endpoint is disabled, and fails when the window ends', async () => {
    const delivery = await newDelivery('/fail');
    await run(async () => {
      const handle = await start(delivery);
      await env.sleep(5 * SECOND_MS);
      await sandbox.db
        .getRepository(WebhookEndpoint)
        .update({ id: delivery.endpointId }, { status: 'disabled' });
      expect(await handle.result()).toBe('failed');
    });
    expect(await attemptsOf(delivery)).toHaveLength(1);
    expect(await sandbox.delivery(delivery.eventId)).toMatchObject({ status: 'failed', step: 1 });
  }, 60_000);

  it('sends a waiting attempt to the new URL', async () => {
    const delivery = await newDelivery('/fail');
    await run(async () => {
      const handle = await start(delivery);
      await env.sleep(5 * SECOND_MS);
      await sandbox.db
        .getRepository(WebhookEndpoint)
        .update({ id: delivery.endpointId }, { destinationUrl: `${receiver.url}/ok` });
      expect(await handle.result()).toBe('delivered');
    });
    const [first, second] = await attemptsOf(delivery);
    expect(second?.destinationUrl).toBe(`${receiver.url}/ok`);
    const waitedMs = (second?.createdAt.getTime() ?? 0) - (first?.createdAt.getTime() ?? 0);
    expect(waitedMs).toBeLessThan(MINUTE_MS);
  }, 60_000);
});

import {
  createDeliveryActivities,
  type DeliveryActivities,
} from '../../activities/deliver-webhook';
import { createEndpointSlots } from '../../activities/endpoint-slots';
import { createMakeAttempt } from '../../activities/make-attempt';
import { startReceiver, type Receiver } from '../../devstack/receiver';
import { claimFreshAttempts } from '../../entities/claim-attempt';
import { STANDARD_SCHEDULE } from '../../entities/delivery-schedule';
import { askReplay } from '../../entities/replay-delivery';
import { WebhookDelivery } from '../../entities/webhook-delivery';
import { WebhookEndpoint } from '../../entities/webhook-endpoint';
import { createWebhookSender, type WebhookSender } from '../../integrations/webhook-sender';
import type { Clock } from '../../platform/clock';
import { newId } from '../../platform/ids';
import { openSandbox, type Sandbox } from '../support/sandbox';

describe('making an attempt for a workflow', () => {
  let now: Date;
  const clock: Clock = { now: () => now };
  let sandbox: Sandbox;
  let receiver: Receiver;
  let sender: WebhookSender;
  let activities: DeliveryActivities;
  beforeEach(async () => {
    now = new Date('2026-03-19T12:00:00Z');
    [sandbox, receiver] = await Promise.all([openSandbox(clock), startReceiver()]);
    sender = createWebhookSender({ allowPrivate: true });
    const { db, secrets } = sandbox;
    activities = createDeliveryActivities({
      db,
      clock,
      schedule: STANDARD_SCHEDULE,
      makeAttempt: createMakeAttempt({ clock, secrets, sender }),
      slots: createEndpointSlots(64, 4, 2_000),
    });
  });
  afterEach(async () => {
    await Promise.all([sender.close(), receiver.close()]);
    await sandbox.close();
  });

  async function newDelivery(): Promise<WebhookDelivery> {
    await sandbox.newEndpoint(`${receiver.url}/ok`);
    return sandbox.delivery((await sandbox.publish()).id);
  }

  async function newReplay(delivery: WebhookDelivery): Promise<string> {
    const id = newId('rpl');
    await sandbox.db.transaction((tx) =>
      askReplay(tx, delivery, {
        id,
        replayedFrom: null,
        now,
        requestId: 'req_1',
        requestedBy: 'key_1',
      }),
    );
    return id;
  }

  async function replayStatus(id: string): Promise<string | undefined> {
    const text = 'SELECT status FROM webhook_replays WHERE id = $1';
    const [row] = await sandbox.db.query<{ status: string }[]>(text, [id]);
    return row?.status;
  }

  it('names no trace to the endpoint while traces are off', async () => {
    const delivery = await newDelivery();
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    await sandbox.db.query('UPDATE events SET traceparent = $1', [traceparent]);
    expect(await activities.sendAttempt(delivery.id, null)).toMatchObject({ ok: true });
    expect(receiver.requests[0]?.headers).not.toHaveProperty('traceparent');
  });

  it('keeps a replay that meets another attempt until that one is over', async () => {
    const delivery = await newDelivery();
    const replayId = await newReplay(delivery);
    const query = { now, limit: 1, perEndpoint: 1, busy: new Map<string, number>() };
    await claimFreshAttempts(sandbox.db, query);
    await expect(activities.sendAttempt(delivery.id, replayId)).rejects.toThrow(
      'another attempt is being made',
    );
    expect(await replayStatus(replayId)).toBe('waiting');
    now = new Date(now.getTime() + 21_000);
    const outcome = await activities.sendAttempt(delivery.id, replayId);
    expect(outcome).toMatchObject({ ok: true, attempt: 2 });
  });

  it('refuses a replay whose endpoint was disabled meanwhile', async () => {
    const delivery = await newDelivery();
    const replayId = await newReplay(delivery);
    await sandbox.db
      .getRepository(WebhookEndpoint)
      .update({ id: delivery.endpointId }, { status: 'disabled' });
    expect(await activities.sendAttempt(delivery.id, replayId)).toBeNull();
    expect(await replayStatus(replayId)).toBe('refused');
  });

  it('puts a scheduled attempt off where the workflow’s clock is ahead of this one', async () => {
    const delivery = await newDelivery();
    const nextAt = new Date(now.getTime() + 3_000);
    await sandbox.db.getRepository(WebhookDelivery).update({ id: delivery.id }, { nextAt });
    await expect(activities.sendAttempt(delivery.id, null)).rejects.toMatchObject({
      nextRetryDelay: 3_000,
    });
  });
});

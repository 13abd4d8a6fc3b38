import { STANDARD_SCHEDULE } from '../../entities/delivery-schedule';
import { cancelOrphaned } from '../../entities/endpoint-lifecycle';
import { expireDeliveries } from '../../entities/expire-deliveries';
import { WebhookDelivery } from '../../entities/webhook-delivery';
import { WebhookEndpoint } from '../../entities/webhook-endpoint';
import { HOUR_MS, MINUTE_MS } from '../../platform/clock';
import { openSandbox, type Sandbox } from '../support/sandbox';

describe('ending what nobody else ends', () => {
  const start = new Date('2026-03-19T12:00:00Z');
  const after = (ms: number): Date => new Date(start.getTime() + ms);
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = await openSandbox({ now: () => start });
    await sandbox.newEndpoint('http://127.0.0.1:9/');
  });
  afterEach(() => sandbox.close());

  const update = (delivery: WebhookDelivery, change: Partial<WebhookDelivery>) =>
    sandbox.db.getRepository(WebhookDelivery).update({ id: delivery.id }, change);

  it('fails a delivery whose workflow let the end of its window pass by two minutes', async () => {
    const delivery = await sandbox.delivery((await sandbox.publish()).id);
    await update(delivery, { hasWorkflow: true });
    const expire = (at: Date) => expireDeliveries(sandbox.db, null, at, STANDARD_SCHEDULE);
    expect(await expire(after(72 * HOUR_MS + MINUTE_MS))).toBe(0);
    expect(await expire(after(72 * HOUR_MS + 3 * MINUTE_MS))).toBe(1);
    expect(await sandbox.delivery(delivery.eventId)).toMatchObject({ status: 'failed' });
  });

  it('cancels what was published to an endpoint while it was being deleted', async () => {
    const { id } = await sandbox.publish();
    const { endpointId } = await sandbox.delivery(id);
    await sandbox.db
      .getRepository(WebhookEndpoint)
      .update({ id: endpointId }, { status: 'disabled', deletedAt: start });
    expect(await cancelOrphaned(sandbox.db, start)).toBe(1);
    expect(await sandbox.delivery(id)).toMatchObject({ status: 'cancelled', nextAt: null });
    expect(await cancelOrphaned(sandbox.db, start)).toBe(0);
  });
});

import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import type { Receiver } from '../../devstack/receiver';
import type { Tenant } from '../support/api';
import { startProduct, type Product } from '../support/product';
import { until } from '../support/until';
import { workflowClient } from '../support/workflow-client';
import { deliverWebhookId } from '../../workflows/contracts';

describe.each(['0', '10', 'unlimited'])('an event on its way, at workflow rate %s', (rate) => {
  let product: Product;
  let receiver: Receiver;
  let tenant: Tenant;

  beforeAll(async () => {
    product = await startProduct({
      DELIVERY_SCHEDULE_SECONDS: '1,60',
      DELIVERY_WORKFLOW_RATE: rate,
    });
    ({ receiver, tenant } = product);
    await until(
      () => tenant.call('get', '/readyz'),
      ({ body }) => body.temporal === 'up',
      30_000,
    );
  }, 60_000);
  afterAll(() => product.close(), 60_000);

  it('arrives once, signed by both schemes, byte for byte as it is stored', async () => {
    const endpoint = await tenant.call('post', '/v1/webhook_endpoints', {
      destinationUrl: `${receiver.url}/ok`,
      subscribedEventTypes: ['filing.*'],
    });
    expect(endpoint.status).toBe(201);
    const published = await tenant.call(
      'post',
      '/v1/events',
      '{"type":"filing.published","data":{"big": 12345678901234567890, "nul":"\\u0000"}}',
    );
    expect(published.status).toBe(202);
    expect(published.body).toMatchObject({ object: 'event', deliveries: 1 });
    const [request] = await receiver.waitFor((all) => all.length === 1);
    expect(request?.body).toContain('{"big": 12345678901234567890, "nul":"\\u0000"}');
    const secret = endpoint.body.signingSecret as string;
    new Webhook(secret).verify(request?.body ?? '', { ...request?.headers });
    new SvixWebhook(secret).verify(request?.body ?? '', { ...request?.headers });
    const legacy = createHmac('sha256', secret)
      .update(request?.body ?? '')
      .digest('hex');
    expect(request?.headers['secapi-signature']).toBe(legacy);
    const attempts = await until(
      () => tenant.call('get', `/v1/webhook_endpoints/${endpoint.body.id}/deliveries`),
      (answer) => answer.body.data.length === 1,
    );
    expect(attempts.body.data[0]).toMatchObject({ ok: true, status: 200, attempt: 1 });
    const { client, close } = await workflowClient(product.temporal);
    const workflow = client.workflow.getHandle(deliverWebhookId(attempts.body.data[0].deliveryId));
    const found = (): Promise<string> =>
      workflow.describe().then(
        ({ status }) => status.name,
        () => 'none',
      );
    if (rate === '0') expect(await found()).toBe('none');
    else expect(await until(found, (name) => name === 'COMPLETED')).toBe('COMPLETED');
    await close();
  });

  it('is tried again after a failure, by a workflow, and replayed when asked', async () => {
    const endpoint = await tenant.call('post', '/v1/webhook_endpoints', {
      destinationUrl: `${receiver.url}/fail/1`,
      subscribedEventTypes: ['monitor.match'],
    });
    const published = await tenant.call('post', '/v1/events', {
      type: 'monitor.match',
      data: { n: 1 },
    });
    await receiver.waitFor((all) => all.filter((r) => r.path === '/fail/1').length === 2, 30_000);
    const list = await until(
      () => tenant.call('get', `/v1/deliveries?eventId=${published.body.id}`),
      (answer) => answer.body.data[0]?.status === 'delivered',
    );
    const [delivery] = list.body.data;
    expect(delivery).toMatchObject({ attempts: 2, nextAttemptAt: null });
    const path = `/v1/webhook_endpoints/${endpoint.body.id}/deliveries/${delivery.id}/replay`;
    const replay = await tenant.call('post', path);
    expect(replay.body).toMatchObject({
      object: 'webhook_delivery_replay',
      eventsReplayed: 1,
      deliveries: [{ ok: true, status: 200, error: null }],
    });
    const bodies = receiver.requests.filter((r) => r.path === '/fail/1').map((r) => r.body);
    expect(new Set(bodies).size).toBe(1);
    expect(bodies).toHaveLength(3);
  }, 60_000);
});

import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import type { Receiver } from '../../devstack/receiver';
import type { Tenant } from '../support/api';
import { startProduct, type Product } from '../support/product';
import { until } from '../support/until';

describe('an event on its way to an endpoint', () => {
  let product: Product;
  let receiver: Receiver;
  let tenant: Tenant;

  beforeAll(async () => {
    product = await startProduct({ DELIVERY_SCHEDULE_SECONDS: '1,60' });
    ({ receiver, tenant } = product);
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

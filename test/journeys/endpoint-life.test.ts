import { startProduct, type Product } from '../support/product';
import { complaintsOf } from '../../devstack/verify-request';
import { until } from '../support/until';

describe('an endpoint’s life, with real deliveries', () => {
  let product: Product;
  beforeAll(async () => {
    product = await startProduct({ DELIVERY_SCHEDULE_SECONDS: '1,1,600' });
  }, 60_000);
  afterAll(() => product.close(), 60_000);

  const endpointAt = async (path: string) => {
    const destinationUrl = product.receiver.url + path;
    const body = { destinationUrl, subscribedEventTypes: ['filing.published'] };
    const { body: endpoint } = await product.tenant.call('post', '/v1/webhook_endpoints', body);
    return {
      id: endpoint.id as string,
      secret: endpoint.signingSecret as string,
      url: `/v1/webhook_endpoints/${endpoint.id}`,
    };
  };
  const publish = async (): Promise<string> =>
    (await product.tenant.call('post', '/v1/events', { type: 'filing.published', data: {} })).body
      .id as string;
  const remove = (endpoint: { url: string }) => product.tenant.call('delete', endpoint.url);
  const deliveryOf = async (webhookId: string) =>
    (await product.tenant.call('get', `/v1/deliveries?webhookId=${webhookId}`)).body.data[0];
  const requestsTo = (path: string) =>
    product.receiver.requests.filter((request) => request.path === path);

  it('signs with the new secret alone after a rotation, and with both in an overlap', async () => {
    const endpoint = await endpointAt('/ok?rotated');
    const sent = async () => {
      const before = requestsTo('/ok?rotated').length;
      await publish();
      await product.receiver.waitFor(() => requestsTo('/ok?rotated').length > before);
      const request = requestsTo('/ok?rotated').at(-1);
      if (!request) throw new Error('nothing came');
      return request;
    };
    const rotate = async (overlapSeconds: number): Promise<string> =>
      (await product.tenant.call('post', `${endpoint.url}/rotate_secret`, { overlapSeconds })).body
        .signingSecret as string;
    expect(complaintsOf(await sent(), [endpoint.secret])).toEqual([]);
    const second = await rotate(0);
    const alone = await sent();
    expect(complaintsOf(alone, [second])).toEqual([]);
    expect(complaintsOf(alone, [endpoint.secret])).not.toEqual([]);
    const third = await rotate(1);
    expect(complaintsOf(await sent(), [third, second])).toEqual([]);
    const after = await until(sent, (request) => complaintsOf(request, [third]).length === 0);
    expect(complaintsOf(after, [third, second])).not.toEqual([]);
    await remove(endpoint);
  }, 60_000);

  it('is disabled by 410 Gone: what waits stays pending, and a replay is refused until it is enabled', async () => {
    const endpoint = await endpointAt('/gone');
    await publish();
    const disabled = await until(
      () => product.tenant.call('get', endpoint.url),
      (answer) => answer.body.status === 'disabled',
    );
    expect(disabled.status).toBe(200);
    const delivery = await deliveryOf(endpoint.id);
    expect(delivery).toMatchObject({ status: 'pending', attempts: 1 });
    const replayUrl = `${endpoint.url}/deliveries/${delivery.id}/replay`;
    expect((await product.tenant.call('post', replayUrl)).body.code).toBe('conflict');
    await product.tenant.call('patch', endpoint.url, {
      status: 'active',
      destinationUrl: `${product.receiver.url}/ok?mended`,
    });
    const ended = await until(
      () => deliveryOf(endpoint.id),
      (row) => row.status === 'delivered',
    );
    expect(ended.attempts).toBe(2);
    await remove(endpoint);
    expect((await product.tenant.call('post', replayUrl)).status).toBe(404);
  }, 60_000);

  it('takes a redirect for a failure and does not follow it', async () => {
    const endpoint = await endpointAt('/redirect');
    await publish();
    await product.receiver.waitFor(() => requestsTo('/redirect').length > 0);
    const attempts = await until(
      () => product.tenant.call('get', `${endpoint.url}/deliveries`),
      (answer) => answer.body.data.length > 0,
    );
    expect(attempts.body.data[0]).toMatchObject({ ok: false, status: 302, error: 'redirect' });
    expect(requestsTo('/ok')).toHaveLength(0);
    await remove(endpoint);
  }, 60_000);

  it('is waited for as long as its Retry-After says', async () => {
    const endpoint = await endpointAt('/retry-after/3600');
    await publish();
    await until(
      () => product.tenant.call('get', `${endpoint.url}/deliveries`),
      (answer) => answer.body.data.length === 1,
    );
    const delivery = await deliveryOf(endpoint.id);
    const waitMs = Date.parse(delivery.nextAttemptAt as string) - Date.now();
    expect(waitMs).toBeGreaterThan(3_500_000);
    expect(waitMs).toBeLessThan(3_700_000);
    await remove(endpoint);
  }, 60_000);

  it('cancels what waits for it when it is deleted', async () => {
    const endpoint = await endpointAt('/fail?deleted');
    const eventId = await publish();
    await product.receiver.waitFor(() => requestsTo('/fail?deleted').length > 0);
    await remove(endpoint);
    const row = await until(
      async () =>
        (await product.tenant.call('get', `/v1/deliveries?eventId=${eventId}`)).body.data[0],
      ({ status }) => status === 'cancelled',
    );
    expect(row.nextAttemptAt).toBeNull();
    expect((await product.tenant.call('get', endpoint.url)).status).toBe(404);
  }, 60_000);
});

import type { Client } from '@temporalio/client';
import { WebhookAttempt } from '../../entities/webhook-attempt';
import { recoverEndpointId } from '../../workflows/contracts';
import { startProduct, type Product } from '../support/product';
import { until } from '../support/until';
import { workflowClient } from '../support/workflow-client';

describe('an endpoint that was down, with real deliveries', () => {
  let product: Product;
  let client: Client;
  let closeClient: () => Promise<void>;
  beforeAll(async () => {
    product = await startProduct({ DELIVERY_SCHEDULE_SECONDS: '1' });
    ({ client, close: closeClient } = await workflowClient(product.temporal));
  }, 60_000);
  afterAll(async () => {
    await closeClient();
    await product.close();
  }, 60_000);

  const call = async (method: string, path: string, body?: unknown) =>
    (await product.tenant.call(method, path, body)).body;
  async function endpointAt(path: string, type: string, more: object = {}): Promise<string> {
    const destinationUrl = product.receiver.url + path;
    const body = { destinationUrl, subscribedEventTypes: [type], ...more };
    return (await call('post', '/v1/webhook_endpoints', body)).id as string;
  }
  async function publish(type: string, count: number): Promise<void> {
    const events = Array.from({ length: count }, (_, n) => ({ type, data: { n } }));
    await call('post', '/v1/events', { events });
  }
  const attemptsTo = (endpointId: string): Promise<WebhookAttempt[]> =>
    product.api.database.db
      .getRepository(WebhookAttempt)
      .find({ where: { endpointId }, order: { createdAt: 'ASC' } });
  const countOf = async (endpointId: string, status: string): Promise<number> =>
    (await call('get', `/v1/deliveries?webhookId=${endpointId}&status=${status}&limit=200`)).data
      .length;

  it('is recovered through a pause, another worker and Temporal’s death: each failed delivery once', async () => {
    const since = new Date(Date.now() - 1_000).toISOString();
    const endpoint = await endpointAt('/fail', 'filing.published');
    const url = `/v1/webhook_endpoints/${endpoint}`;
    await publish('filing.published', 40);
    await until(
      () => countOf(endpoint, 'failed'),
      (failed) => failed === 40,
      60_000,
    );
    await call('patch', url, { destinationUrl: `${product.receiver.url}/ok?recovered` });
    const started = await call('post', `${url}/recover`, { since, perSecond: 5 });
    expect(started).toMatchObject({ status: 'running', total: 40 });
    const recovery = `${url}/recoveries/${started.id}`;
    const progress = () => call('get', recovery);

    await until(progress, ({ succeeded }) => succeeded >= 5);
    expect((await call('post', `${recovery}/pause`)).status).toBe('paused');
    const workflow = client.workflow.getHandle(recoverEndpointId(started.id));
    const details = await until(
      () =>
        workflow
          .query<{ currentDetails: string }>('__temporal_workflow_metadata')
          .then(({ currentDetails }) => currentDetails),
      (text) => text.startsWith('paused: '),
    );
    expect(details).toMatch(/of 40 replayed, \d+ succeeded, 0 failed, at 5\.0 a second/);
    await product.restartWorker();
    const paused = await until(progress, ({ replayed, succeeded }) => replayed === succeeded);
    expect((await call('post', `${recovery}/resume`)).status).toBe('running');
    await until(progress, ({ replayed }) => replayed > paused.replayed, 30_000);
    await product.killTemporal();
    const done = await until(progress, ({ status }) => status === 'done', 60_000);
    expect(done).toMatchObject({ total: 40, replayed: 40, succeeded: 40, failed: 0 });

    const replays = (await attemptsTo(endpoint)).filter(({ trigger }) => trigger === 'replay');
    expect(replays).toHaveLength(40);
    expect(new Set(replays.map(({ deliveryId }) => deliveryId)).size).toBe(40);
    const arrived = product.receiver.requests.filter(({ path }) => path === '/ok?recovered');
    expect(arrived).toHaveLength(40);
    expect(await countOf(endpoint, 'delivered')).toBe(40);
  }, 180_000);

  it('gets no more attempts a second than it takes: first ones, retries and a recovery', async () => {
    const since = new Date(Date.now() - 1_000).toISOString();
    const limit = 20;
    const endpoint = await endpointAt('/fail/2', 'monitor.match', { maxPerSecond: limit });
    await publish('monitor.match', 60);
    await until(
      () => countOf(endpoint, 'failed'),
      (failed) => failed === 60,
      90_000,
    );
    const url = `/v1/webhook_endpoints/${endpoint}`;
    const { id } = await call('post', `${url}/recover`, { since, perSecond: 200 });
    await until(
      () => call('get', `${url}/recoveries/${id}`),
      ({ status }) => status === 'done',
      60_000,
    );
    const attempts = await attemptsTo(endpoint);
    expect(attempts.filter(({ trigger }) => trigger === 'schedule')).toHaveLength(120);
    expect(attempts.filter(({ ok, trigger }) => ok && trigger === 'replay')).toHaveLength(60);
    const times = attempts.map(({ createdAt }) => createdAt.getTime());
    for (const trigger of ['schedule', 'replay']) {
      const own = attempts.filter((attempt) => attempt.trigger === trigger);
      const spanMs = Number(own.at(-1)?.createdAt) - Number(own[0]?.createdAt);
      // A fifth of a second may be caught up on, and the slot at hand.
      expect(own.length).toBeLessThanOrEqual((spanMs / 1_000) * limit * 1.05 + limit / 5 + 1);
    }
    expect(times).toHaveLength(180);
  }, 180_000);
});

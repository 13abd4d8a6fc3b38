import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { WebhookAttempt } from '../../entities/webhook-attempt';
import { WebhookDelivery } from '../../entities/webhook-delivery';
import { deliverWebhookId } from '../../workflows/contracts';
import { startProduct, type Product } from '../support/product';
import { until } from '../support/until';

const CLOSED = 2;

describe('a delivery on a real Temporal server', () => {
  let product: Product;
  let connection: Connection;
  let client: Client;

  beforeAll(async () => {
    product = await startProduct({ DELIVERY_SCHEDULE_SECONDS: '600,600' });
    connection = await Connection.connect({ address: product.temporal.address });
    client = new Client({ connection, namespace: product.temporal.namespace });
  }, 60_000);
  afterAll(async () => {
    await connection.close();
    await product.close();
  }, 60_000);

  const deliveries = () => product.api.database.db.getRepository(WebhookDelivery);
  const attemptsOf = (deliveryId: string) =>
    product.api.database.db
      .getRepository(WebhookAttempt)
      .find({ where: { deliveryId }, order: { attempt: 'ASC' } });
  const get = (delivery: WebhookDelivery) =>
    product.tenant.call('get', `/v1/deliveries/${delivery.id}`);
  const replay = (delivery: WebhookDelivery, wait = 10) =>
    product.tenant.call(
      'post',
      `/v1/webhook_endpoints/${delivery.endpointId}/deliveries/${delivery.id}/replay?wait=${wait}`,
    );

  /** A delivery to an endpoint of its own that has had its first attempt. */
  async function attempted(path: string): Promise<WebhookDelivery> {
    const { tenant, receiver } = product;
    const endpoint = await tenant.call('post', '/v1/webhook_endpoints', {
      destinationUrl: receiver.url + path,
      subscribedEventTypes: ['filing.published'],
    });
    const event = await tenant.call('post', '/v1/events', { type: 'filing.published', data: {} });
    const where = { eventId: event.body.id as string, endpointId: endpoint.body.id as string };
    const delivery = await until(
      () => deliveries().findOneByOrFail(where),
      ({ step }) => step === 1,
    );
    await tenant.call('patch', `/v1/webhook_endpoints/${endpoint.body.id}`, {
      subscribedEventTypes: ['enforcement.published'],
    });
    return delivery;
  }

  /** What an operator reads of a workflow in Temporal's UI. */
  const detailsOf = (delivery: WebhookDelivery): Promise<string> =>
    client.workflow
      .getHandle(deliverWebhookId(delivery.id))
      .query<{ currentDetails: string }>('__temporal_workflow_metadata')
      .then((metadata) => metadata.currentDetails)
      .catch(() => '');

  it('shows when it is tried next: in Postgres, in the API and in Temporal’s UI', async () => {
    const delivery = await attempted('/fail/1?waiting');
    const details = await until(
      () => detailsOf(delivery),
      (text) => text !== '',
    );
    const row = await deliveries().findOneByOrFail({ id: delivery.id });
    const next = row.nextAt?.toISOString() ?? '';
    expect((await get(delivery)).body).toMatchObject({
      status: 'pending',
      attempts: 1,
      nextAttemptAt: next,
      workflowId: deliverWebhookId(delivery.id),
    });
    expect(details).toContain('attempt 1 of 3 made, last: http_503');
    expect(details).toContain(next.slice(0, 19).replace('T', ' '));
    const found = await until(
      async () => {
        const ids: string[] = [];
        const query = `EndpointId="${delivery.endpointId}"`;
        for await (const { workflowId } of client.workflow.list({ query })) ids.push(workflowId);
        return ids;
      },
      (ids) => ids.length === 1,
    );
    expect(found).toEqual([deliverWebhookId(delivery.id)]);
    const { raw } = await client.workflow.getHandle(deliverWebhookId(delivery.id)).describe();
    const summary = Buffer.from(raw.executionConfig?.userMetadata?.summary?.data ?? []).toString();
    expect(summary).toBe(JSON.stringify(`filing.published to ${delivery.endpointId}`));
  }, 60_000);

  it('is retried at once by an operator’s signal from a shell', async () => {
    const delivery = await attempted('/fail/1?operator');
    const { address, namespace } = product.temporal;
    await until(
      () => detailsOf(delivery),
      (text) => text !== '',
    );
    await promisify(execFile)(process.env['TEST_TEMPORAL_BINARY'] ?? '', [
      ...['workflow', 'signal', '--name', 'replay', '--address', address],
      ...['--namespace', namespace, '--workflow-id', deliverWebhookId(delivery.id)],
    ]);
    const ended = await until(
      () => get(delivery),
      (answer) => answer.body.status === 'delivered',
    );
    expect(ended.body.attempts).toBe(2);
    const [first, second] = await attemptsOf(delivery.id);
    expect(second).toMatchObject({ trigger: 'replay', replayedFrom: null, ok: true });
    expect(second?.attempt).toBe((first?.attempt ?? 0) + 1);
  }, 60_000);

  it('is retried at once by the API while it waits, and keeps its schedule if that fails', async () => {
    const delivery = await attempted('/fail/2?twice');
    const { nextAt } = await deliveries().findOneByOrFail({ id: delivery.id });
    const failed = await replay(delivery);
    expect(failed.body.deliveries[0]).toMatchObject({ ok: false, status: 503, error: 'http_503' });
    const after = await deliveries().findOneByOrFail({ id: delivery.id });
    expect(after).toMatchObject({ status: 'pending', step: 1, nextAt });
    const made = await replay(delivery);
    expect(made.body.deliveries[0]).toMatchObject({ ok: true, status: 200, error: null });
    expect((await get(delivery)).body).toMatchObject({ status: 'delivered', nextAttemptAt: null });
  }, 60_000);

  it('is replayed when it was delivered, when it had failed, and long after it was closed', async () => {
    const delivered = await attempted('/ok?delivered');
    expect((await replay(delivered)).body.deliveries[0]).toMatchObject({ ok: true, status: 200 });

    const failed = await attempted('/fail/1?failed');
    const longAgo = new Date(Date.now() - 90 * 86_400_000);
    await deliveries().update(
      { id: failed.id },
      { status: 'failed', nextAt: null, step: 3, finishedAt: longAgo, windowEndsAt: longAgo },
    );
    const closed = client.workflow.getHandle(deliverWebhookId(failed.id));
    await closed.signal('wake').catch(() => undefined);
    await until(
      () =>
        closed.describe().then(
          ({ status }) => status.code as number,
          () => CLOSED,
        ),
      (code) => code === CLOSED,
    );
    expect((await replay(failed)).body.deliveries[0]).toMatchObject({ ok: true, status: 200 });
    expect((await get(failed)).body).toMatchObject({ status: 'delivered' });
  }, 60_000);

  it('makes ten attempts of ten replays asked at once, never two at the same moment', async () => {
    const delivery = await attempted('/slow/40?ten');
    const answers = await Promise.all(Array.from({ length: 10 }, () => replay(delivery, 30)));
    expect(answers.map(({ status }) => status)).toEqual(Array<number>(10).fill(200));
    const replays = (await attemptsOf(delivery.id)).filter(({ trigger }) => trigger === 'replay');
    expect(replays).toHaveLength(10);
    expect(new Set(answers.map(({ body }) => body.deliveries[0].attemptId)).size).toBe(10);
    replays.forEach((attempt, i) => {
      const before = replays[i - 1];
      if (!before) return;
      expect(attempt.createdAt.getTime()).toBeGreaterThanOrEqual(before.endedAt?.getTime() ?? 0);
    });
  }, 60_000);

  it('answers pending while Temporal can’t be asked in time, and makes the attempt later', async () => {
    const delivery = await attempted('/ok?later');
    const asked = await replay(delivery, 0);
    expect(asked.body.deliveries[0]).toMatchObject({ status: null, ok: false, error: 'pending' });
    await until(
      () => attemptsOf(delivery.id),
      (attempts) => attempts.length === 2,
    );
  }, 60_000);

  it('goes on with its workflow after the worker was restarted', async () => {
    const delivery = await attempted('/fail/1?restart');
    await until(
      () => detailsOf(delivery),
      (text) => text !== '',
    );
    await product.restartWorker();
    expect((await replay(delivery, 30)).body.deliveries[0]).toMatchObject({ ok: true });
  }, 60_000);
});

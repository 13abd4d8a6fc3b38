import { randomBytes } from 'node:crypto';
import { Worker } from '@temporalio/worker';
import { WebhookDelivery } from '../../entities/webhook-delivery';
import { deliverWebhookId } from '../../workflows/contracts';
import { startProduct, type Product } from '../support/product';
import {
  startTraceCollector,
  type CollectedSpan,
  type TraceCollector,
} from '../support/trace-collector';
import { until } from '../support/until';
import { workflowClient } from '../support/workflow-client';

/** A caller's traceparent, of a trace of its own. */
function newTrace(sampled = true): { traceId: string; spanId: string; traceparent: string } {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-${sampled ? '01' : '00'}` };
}

describe('the trace of an event', () => {
  let collector: TraceCollector;
  let product: Product;
  const secretQuery = 'token=hunter2hunter2';

  beforeAll(async () => {
    process.env['OTEL_BSP_SCHEDULE_DELAY'] = '50';
    collector = await startTraceCollector();
    product = await startProduct({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      DELIVERY_SCHEDULE_SECONDS: '1,60',
      DELIVERY_WORKFLOW_RATE: '0',
    });
    await until(
      () => product.tenant.call('get', '/readyz'),
      ({ body }) => body.temporal === 'up',
      30_000,
    );
  }, 60_000);
  afterAll(async () => {
    await product.close();
    await collector.close();
    delete process.env['OTEL_BSP_SCHEDULE_DELAY'];
  }, 60_000);

  /** The spans of a trace, once there are so many. */
  const spansOf = (traceId: string, count: number): Promise<CollectedSpan[]> =>
    until(
      async () => collector.spans.filter((span) => span.traceId === traceId),
      (spans) => spans.length >= count,
      30_000,
    );

  async function listenTo(path: string, eventType: string): Promise<{ id: string }> {
    const { body } = await product.tenant.call('post', '/v1/webhook_endpoints', {
      destinationUrl: product.receiver.url + path,
      subscribedEventTypes: [eventType],
    });
    return body as { id: string };
  }

  const publish = (type: string, traceparent: string) =>
    product.tenant.call('post', '/v1/events', { type, data: { n: 1 } }, { traceparent });

  const received = (path: string, count: number) =>
    product.receiver
      .waitFor((all) => all.filter((r) => r.path === path).length >= count, 30_000)
      .then((all) => all.filter((r) => r.path === path));

  it('goes from the caller through request, outbox and workflow to each of the endpoint’s requests', async () => {
    const path = `/fail/1?${secretQuery}`;
    await listenTo(path, 'filing.published');
    const caller = newTrace();
    const published = await publish('filing.published', caller.traceparent);
    const requests = await received(path, 2);
    const spans = await spansOf(caller.traceId, 6);
    expect(spans.map(({ service, kind, name }) => `${service} ${kind} ${name}`).sort()).toEqual([
      'secapi-api server POST /v1/events',
      'secapi-worker client POST',
      'secapi-worker client POST',
      'secapi-worker internal recordAttempt',
      'secapi-worker internal sendAttempt',
      'secapi-worker producer send start_delivery',
    ]);
    const one = (name: string): CollectedSpan => {
      const [found] = spans.filter((span) => span.name === name);
      if (!found) throw new Error(`there is no span ${name}`);
      return found;
    };
    const [server, send] = [one('POST /v1/events'), one('send start_delivery')];
    const attempts = spans
      .filter(({ kind }) => kind === 'client')
      .sort(
        (a, b) =>
          Number(a.attributes['secapi.attempt.number']) -
          Number(b.attributes['secapi.attempt.number']),
      );
    expect(server.parentId).toBe(caller.spanId);
    expect(send.parentId).toBe(server.spanId);
    expect(one('sendAttempt').parentId).toBe(send.spanId);
    expect(one('recordAttempt').parentId).toBe(send.spanId);
    expect(attempts.map(({ parentId }) => parentId)).toEqual([
      server.spanId,
      one('sendAttempt').spanId,
    ]);

    const named = `00-${caller.traceId}-${server.spanId}-01`;
    expect(published.headers.get('traceparent')).toBe(named);
    expect(requests.map(({ headers }) => headers['traceparent'])).toEqual(
      attempts.map(({ spanId }) => `00-${caller.traceId}-${spanId}-01`),
    );
    expect(server.attributes).toMatchObject({
      'http.request.method': 'POST',
      'http.route': '/v1/events',
      'http.response.status_code': 202,
      'secapi.org.id': product.tenant.orgId,
      'secapi.request.id': published.body.requestId,
    });
    expect(attempts[0]).toMatchObject({
      failed: true,
      attributes: {
        'server.address': '127.0.0.1',
        'server.port': Number(new URL(product.receiver.url).port),
        'http.response.status_code': 503,
        'error.type': 'http_503',
        'secapi.event.id': published.body.id,
        'secapi.attempt.number': 1,
        'secapi.attempt.trigger': 'schedule',
      },
    });
    expect(attempts[1]).toMatchObject({
      failed: false,
      attributes: { 'http.response.status_code': 200, 'secapi.attempt.number': 2 },
    });
  }, 60_000);

  it('leaves a history that replays', async () => {
    const { client, close } = await workflowClient(product.temporal);
    const [delivery] = await product.api.database.db.getRepository(WebhookDelivery).find();
    const workflow = client.workflow.getHandle(deliverWebhookId(delivery?.id ?? ''));
    const history = await workflow.fetchHistory();
    expect(
      history.events?.[0]?.workflowExecutionStartedEventAttributes?.header?.fields,
    ).toHaveProperty('traceparent');
    const workflowBundle = { codePath: process.env['TEST_WORKFLOW_BUNDLE'] ?? '' };
    await Worker.runReplayHistory({ workflowBundle }, history);
    await close();
  });

  it('takes in a replay too, linked to the trace of who asked for it', async () => {
    const endpoint = await listenTo('/ok/replayed', 'monitor.match');
    const [caller, asker] = [newTrace(), newTrace()];
    await publish('monitor.match', caller.traceparent);
    const [first] = await received('/ok/replayed', 1);
    const deliveryId = first?.headers['secapi-delivery-id'] ?? '';
    const { tenant } = product;
    await until(
      () => tenant.call('get', `/v1/deliveries/${deliveryId}`),
      ({ body }) => body.status === 'delivered',
    );
    const replay = `/v1/webhook_endpoints/${endpoint.id}/deliveries/${deliveryId}/replay`;
    await tenant.call('post', replay, {}, { traceparent: asker.traceparent });
    const spans = await spansOf(caller.traceId, 3);
    const [replayed] = spans.filter((s) => s.attributes['secapi.attempt.trigger'] === 'replay');
    expect(replayed?.links).toEqual([asker.traceId]);
    const asked = await spansOf(asker.traceId, 4);
    expect(asked.map(({ name }) => name).sort()).toEqual([
      'POST /v1/webhook_endpoints/:webhookId/deliveries/:deliveryId/replay',
      'recordAttempt',
      'send signal_delivery',
      'sendAttempt',
    ]);
  }, 60_000);

  it('is told to nobody but the endpoint where the caller’s trace is not sampled', async () => {
    await listenTo('/ok/unsampled', 'enforcement.published');
    const [unsampled, sampled] = [newTrace(false), newTrace()];
    const answer = await publish('enforcement.published', unsampled.traceparent);
    expect(answer.headers.get('traceparent')).toMatch(
      new RegExp(`^00-${unsampled.traceId}-[0-9a-f]{16}-00$`),
    );
    const [request] = await received('/ok/unsampled', 1);
    expect(request?.headers['traceparent']).toMatch(
      new RegExp(`^00-${unsampled.traceId}-[0-9a-f]{16}-00$`),
    );
    await publish('enforcement.published', sampled.traceparent);
    await spansOf(sampled.traceId, 2);
    expect(collector.spans.filter(({ traceId }) => traceId === unsampled.traceId)).toEqual([]);
  });

  it('names the request in an error, and the fault in its span', async () => {
    const caller = newTrace();
    const { traceparent } = caller;
    const answer = await product.tenant.call('get', '/v1/deliveries/wd_x', undefined, {
      traceparent,
    });
    const [span] = await spansOf(caller.traceId, 1);
    expect(answer.body.traceparent).toBe(`00-${caller.traceId}-${span?.spanId}-01`);
    expect(answer.headers.get('traceparent')).toBe(answer.body.traceparent);
    expect(span).toMatchObject({
      failed: false,
      attributes: {
        'http.route': '/v1/deliveries/:deliveryId',
        'http.response.status_code': answer.status,
        'secapi.fault.code': answer.body.code,
      },
    });
  });

  it('shows the activities of any workflow that a request caused', async () => {
    const caller = newTrace();
    const { traceparent } = caller;
    await product.tenant.call('post', '/v1/artifacts', { kind: 'json_bundle' }, { traceparent });
    const spans = await spansOf(caller.traceId, 3);
    expect(spans.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['POST /v1/artifacts', 'send start_artifact', 'buildArtifact']),
    );
  }, 60_000);

  it('costs no delivery while the collector refuses it, and goes on when it takes spans again', async () => {
    await listenTo('/ok/lossy', 'enforcement.published');
    collector.answer(500);
    const [lost, kept] = [newTrace(), newTrace()];
    expect((await publish('enforcement.published', lost.traceparent)).status).toBe(202);
    await received('/ok/lossy', 1);
    await until(
      async () => collector.refused.filter(({ traceId }) => traceId === lost.traceId),
      (refused) => new Set(refused.map(({ service }) => service)).size === 2,
    );
    collector.answer(200);
    await publish('enforcement.published', kept.traceparent);
    await received('/ok/lossy', 2);
    await spansOf(kept.traceId, 2);
    const complaint = 'spans are not exported as wanted';
    const told = product.lines.filter((line) => line.includes(complaint));
    expect(told.map((line) => (JSON.parse(line) as { name: string }).name).sort()).toEqual([
      'api',
      'worker',
    ]);
    const metrics = await product.workerMetrics();
    const count = (name: string): number =>
      Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(metrics)?.[1]);
    expect(count('secapi_spans_ended_total')).toBeGreaterThan(count('secapi_spans_exported_total'));
    expect(count('secapi_spans_exported_total')).toBeGreaterThan(0);
  }, 60_000);

  it('holds no secret, no body and no query of a customer’s URL', () => {
    for (const secret of [secretQuery, 'hunter2', product.tenant.key, 'whsec_', '"n":1']) {
      expect(collector.text).not.toContain(secret);
    }
  });
});

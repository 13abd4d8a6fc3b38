import { startProduct, type Product } from '../support/product';
import { until } from '../support/until';

describe('what the product tells of itself', () => {
  let product: Product;
  beforeAll(async () => {
    product = await startProduct({ DELIVERY_SCHEDULE_SECONDS: '1' });
    const endpoint = (path: string, type: string) =>
      product.tenant.call('post', '/v1/webhook_endpoints', {
        destinationUrl: `${product.receiver.url}${path}?token=of-the-customer`,
        subscribedEventTypes: [type],
      });
    await endpoint('/ok', 'filing.published');
    await endpoint('/fail', 'monitor.match');
    for (const type of ['filing.published', 'monitor.match'])
      await product.tenant.call('post', '/v1/events', { type, data: {} });
  }, 60_000);
  afterAll(() => product.close(), 60_000);

  const facts = (message: string): Record<string, unknown>[] =>
    product.lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg }) => msg === message);
  const value = (text: string, line: string): number =>
    Number(
      text
        .split('\n')
        .find((one) => one.startsWith(`${line} `))
        ?.split(' ')[1] ?? 0,
    );

  it('counts deliveries by what attempts left them as, attempts and what waits', async () => {
    const text = await until(
      () => product.workerMetrics(),
      (metrics) => value(metrics, 'secapi_deliveries_total{outcome="failed"}') === 1,
      25_000,
    );
    expect(value(text, 'secapi_deliveries_total{outcome="delivered"}')).toBeGreaterThanOrEqual(1);
    expect(value(text, 'secapi_deliveries_total{outcome="pending"}')).toBe(1);
    expect(value(text, 'secapi_first_attempt_lag_seconds_count')).toBeGreaterThanOrEqual(2);
    const failed = 'secapi_attempt_duration_seconds_count{outcome="failed",trigger="schedule"}';
    expect(value(text, failed)).toBe(2);
    expect(text).toMatch(/secapi_commands_total\{kind="start_delivery",outcome="carried"\} \d/);
    expect(value(text, 'secapi_temporal_up')).toBe(1);
    expect(text).toMatch(/^secapi_deliveries_pending \d/m);
    expect(text).toMatch(/^secapi_db_connections\{state="in_use"\} \d/m);
  }, 40_000);

  it('logs one line an attempt, an end, a change; none holds the customer’s URL', async () => {
    expect(facts('attempt made').filter(({ ok }) => ok === false)).toHaveLength(2);
    expect(facts('attempt made')[0]).toMatchObject({ orgId: product.tenant.orgId, attempt: 1 });
    expect(facts('delivery ended')[0]).toMatchObject({ status: 'failed', httpStatus: 503 });
    const changes = facts('changed').filter(({ action }) => action === 'webhook_endpoint.created');
    expect(changes).toHaveLength(2);
    expect(product.lines.join('\n')).not.toContain('of-the-customer');
  });

  it('says that Temporal is away while it does not answer, and that it is back', async () => {
    const said = async (): Promise<readonly unknown[]> => [
      value(await product.workerMetrics(), 'secapi_temporal_up'),
      ((await product.tenant.call('get', '/readyz')).body as { temporal: string }).temporal,
    ];
    const before = facts('Temporal does not answer').length;
    await product.temporal.kill();
    await until(said, ([up, temporal]) => up === 0 && temporal === 'away', 40_000);
    expect(facts('Temporal does not answer')).toHaveLength(before + 1);
    await product.temporal.start();
    await until(said, ([up, temporal]) => up === 1 && temporal === 'up', 40_000);
  }, 100_000);
});

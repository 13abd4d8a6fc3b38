import { startProduct, type Product } from '../support/product';
import { until } from '../support/until';

describe('the story of a request', () => {
  let product: Product;
  beforeAll(async () => {
    product = await startProduct({ DELIVERY_SCHEDULE_SECONDS: '600,600' });
  }, 60_000);
  afterAll(() => product.close(), 60_000);

  const storyOf = async (requestId: string): Promise<string[]> => {
    const path = `/v1/diagnostics/requests/${requestId}?explain=true`;
    const { body } = await product.tenant.call('get', path);
    return body.story.map(({ text }: { text: string }) => text);
  };

  it('of one published event that fails, is replayed by hand and arrives, is told in words anyone can follow', async () => {
    const { tenant, receiver } = product;
    const destination = `${receiver.url}/fail/1`;
    const endpoint = await tenant.call('post', '/v1/webhook_endpoints', {
      destinationUrl: destination,
      subscribedEventTypes: ['filing.published'],
    });
    const webhookId = endpoint.body.id as string;
    const { body: event } = await tenant.call(
      'post',
      '/v1/events',
      { type: 'filing.published', data: { form: '10-K' } },
      { 'x-request-id': 'publish-1' },
    );
    const [attempt] = await until(
      async () =>
        (await tenant.call('get', `/v1/webhook_endpoints/${webhookId}/deliveries`)).body.data,
      (attempts: { id: string }[]) => attempts.length === 1,
    );
    const me = (await tenant.call('get', '/v1/me')).body.principal.principalId as string;
    const { deliveryId } = attempt as unknown as { deliveryId: string };

    expect(await storyOf('publish-1')).toEqual([
      expect.stringMatching(
        new RegExp(`^${me} sent POST /v1/events; it was answered 202 after \\d+ ms$`),
      ),
      `the event filing.published (${event.id}) was stored`,
      `filing.published set out for ${destination} (delivery ${deliveryId})`,
      `attempt 1 failed: ${destination} did not take filing.published (HTTP 503)`,
      `attempt 2 of delivery ${deliveryId} is due`,
    ]);

    const replayed = await tenant.call(
      'post',
      `/v1/webhook_endpoints/${webhookId}/deliveries/${(attempt as { id: string }).id}/replay`,
      {},
      { 'x-request-id': 'replay-1' },
    );
    expect(replayed.body.deliveries[0]).toMatchObject({ ok: true });

    expect(await storyOf('publish-1')).toEqual([
      expect.stringContaining(`${me} sent POST /v1/events`),
      `the event filing.published (${event.id}) was stored`,
      `filing.published set out for ${destination} (delivery ${deliveryId})`,
      `attempt 1 failed: ${destination} did not take filing.published (HTTP 503)`,
      `${me} asked to replay delivery ${deliveryId}, in request replay-1`,
      expect.stringMatching(
        `attempt 2, the replay asked for by hand, arrived: ${destination} took filing.published with HTTP 200`,
      ),
      `delivery ${deliveryId} ended: delivered, attempts: 2`,
    ]);

    const ofReplay = (await tenant.call('get', '/v1/diagnostics/requests/replay-1?explain=true'))
      .body;
    expect(ofReplay.webhookDeliveries).toMatchObject([
      { deliveryId, eventId: event.id, ok: true, requestId: 'publish-1' },
    ]);
    expect(ofReplay.summary).toMatchObject({ webhookDeliveryCount: 1, eventCount: 0 });
    expect(ofReplay.story.map(({ text }: { text: string }) => text)).toEqual([
      expect.stringContaining(`${me} sent POST /v1/webhook_endpoints/${webhookId}/deliveries/`),
      `${me} asked to replay delivery ${deliveryId}, in request replay-1`,
      expect.stringContaining('the replay asked for by hand, arrived'),
    ]);
  });

  it('names spend, reports, approvals, mails and changes that a request set going', async () => {
    const { tenant } = product;
    const headers = (id: string) => ({ 'x-request-id': id });
    await tenant.call(
      'post',
      '/v1/usage/authorize',
      { meterClass: 'heavy_extract', units: 2, idempotencyKey: 'told' },
      headers('spend-1'),
    );
    expect(await storyOf('spend-1')).toEqual([
      expect.stringContaining('sent POST /v1/usage/authorize; it was answered 200'),
      expect.stringMatching(/^2 × heavy_extract were charged: \$[\d.]+ \(chg_/),
    ]);
    const used = { id: 'reported', meterClass: 'light_read', units: 3, requestId: 'work-1' };
    await tenant.call('post', '/v1/usage/events', {
      events: [{ ...used, occurredAt: new Date().toISOString() }],
    });
    expect(await storyOf('work-1')).toEqual(['3 × light_read were reported as used (reported)']);
    await tenant.call(
      'post',
      '/v1/organization/invitations',
      { emails: ['new@example.com'] },
      headers('invite-1'),
    );
    const invited = await storyOf('invite-1');
    expect(invited).toContainEqual(expect.stringContaining('member.invited'));
    expect(invited).toContainEqual(
      expect.stringMatching(/^a mail was written: You are invited to /),
    );
    await tenant.call('put', '/v1/billing/budget', { approvalThresholdCents: 0 });
    const approval = await tenant.call(
      'post',
      '/v1/billing/budget/approvals',
      {},
      headers('ask-1'),
    );
    await tenant.call('post', `/v1/billing/budget/approvals/${approval.body.id}/withdraw`);
    const asked = await storyOf('ask-1');
    expect(asked).toContainEqual(
      expect.stringContaining('people were asked to approve spend over 0 cents'),
    );
    expect(asked).toContainEqual(expect.stringMatching(/^the approval bap_\w+ was withdrawn by /));
  });
});

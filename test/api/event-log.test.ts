import { until } from '../support/until';
import { startApi, type Answer, type Tenant, type TestApi } from '../support/api';

describe('the event log', () => {
  let api: TestApi;
  let acme: Tenant;
  const publish = (data: object = {}, headers = {}, tenant = acme): Promise<Answer> =>
    tenant.call('POST', '/v1/events', { type: 'filing.published', data }, headers);
  beforeAll(async () => {
    api = await startApi();
  });
  beforeEach(async () => {
    acme = await api.newTenant();
  });
  afterAll(() => api.close());
  /** Waits until an export holds so many records: transactions of the whole cluster, other tests' too, hold them back. */
  const exported = (count: number): Promise<Answer> =>
    until(
      () => acme.call('GET', '/v1/events/export'),
      ({ body }) => body.count === count,
    );
  const ids = (answer: Answer): string[] => answer.body.data.map((row: { id: string }) => row.id);

  it('lists newest first, page by page, where old and new clients look', async () => {
    const made: string[] = [];
    for (let i = 0; i < 5; i++) made.unshift((await publish({ i })).body.id as string);
    const first = await acme.call('GET', '/v1/events?limit=3');
    expect(ids(first)).toEqual(made.slice(0, 3));
    const rest = await acme.call(
      'GET',
      `/v1/delivery/events?limit=3&cursor=${first.body.nextCursor}`,
    );
    expect(ids(rest)).toEqual(made.slice(3));
    expect(rest.body).toMatchObject({ hasMore: false, nextCursor: null });
    expect(first.body.data[0]).toMatchObject({
      kind: 'event',
      type: 'filing.published',
      data: { i: 4 },
      recordedAt: expect.any(String),
      requestId: expect.any(String),
    });
  });

  it('filters by kind, type, request and time, and refuses what is none', async () => {
    await publish({}, { 'x-request-id': 'log-one' });
    await publish();
    expect(ids(await acme.call('GET', '/v1/events?requestId=log-one'))).toHaveLength(1);
    expect(ids(await acme.call('GET', '/v1/events?kind=webhook_delivery'))).toHaveLength(0);
    expect(ids(await acme.call('GET', '/v1/events?type=monitor.match'))).toHaveLength(0);
    expect(ids(await acme.call('GET', '/v1/events?since=2020-01-01'))).toHaveLength(2);
    const ahead = new Date(Date.now() + 60_000).toISOString();
    for (const [query, path] of [
      ['since=soon', 'since'],
      [`since=${ahead}`, 'since'],
      ['kind=rumour', 'kind'],
      ['limit=0', 'limit'],
      ['limit=-1', 'limit'],
      ['limit=abc', 'limit'],
    ]) {
      const refused = await acme.call('GET', `/v1/events?${query}`);
      expect(refused.body.details.issues[0].path).toBe(path);
    }
    const other = await api.newTenant();
    await publish({}, {}, other);
    const foreign = (await other.call('GET', '/v1/events?limit=1')).body.nextCursor ?? 'x';
    expect((await acme.call('GET', `/v1/events?cursor=${foreign}`)).body.code).toBe(
      'invalid_cursor',
    );
  });

  it('keeps live records out of a test key’s sight', async () => {
    const test = await api.newKey(acme.orgId, { livemode: false });
    await publish();
    const mine = (await publish({}, {}, test)).body.id as string;
    expect(ids(await test.call('GET', '/v1/events'))).toEqual([mine]);
    expect(ids(await acme.call('GET', '/v1/events'))).toHaveLength(2);
  });

  it('never passes a record that commits late', async () => {
    const runner = api.database.db.createQueryRunner();
    await runner.startTransaction();
    await runner.query('SELECT pg_current_xact_id()');
    await publish();
    expect((await acme.call('GET', '/v1/events/export')).body.count).toBe(0);
    await runner.commitTransaction();
    await runner.release();
    await exported(1);
  });

  describe('diagnostics of a request', () => {
    it('show what it caused, also later, and tell it in words', async () => {
      const endpoint = await acme.call('POST', '/v1/webhook_endpoints', {
        destinationUrl: 'http://127.0.0.1:1/hook',
      });
      const { body: event } = await publish({}, { 'x-request-id': 'the-cause' });
      await api.database.db.query(
        `INSERT INTO webhook_attempts (id, delivery_id, org_id, livemode, endpoint_id, event_id, event_type, request_id,
           attempt, trigger, destination_url, http_status, ok, error, created_at)
         SELECT 'wdel_x' || n, d.id, d.org_id, true, d.endpoint_id, d.event_id, d.event_type, d.request_id, n,
           'schedule', 'http://127.0.0.1:1/hook', CASE WHEN n = 2 THEN 200 END, n = 2, CASE WHEN n = 1 THEN 'connection_refused' END,
           now() + n * interval '15 hours'
         FROM webhook_deliveries d, generate_series(1, 2) n WHERE d.event_id = $1`,
        [event.id],
      );
      const { body } = await acme.call('GET', '/v1/diagnostics/requests/the-cause?explain=true');
      expect(body).toMatchObject({
        object: 'request_diagnostics',
        targetRequestId: 'the-cause',
        usageEvents: [{ method: 'POST', path: '/v1/events', status: 202 }],
        events: [{ id: event.id }],
        summary: {
          usageEventCount: 1,
          eventCount: 1,
          webhookDeliveryCount: 2,
          eventTypes: [{ eventType: 'filing.published', count: 1 }],
          meterClasses: [{ meterClass: 'control_plane', count: 1 }],
        },
      });
      const story = body.story.map(({ text }: { text: string }) => text);
      expect(story).toEqual([
        expect.stringContaining('sent POST /v1/events; it was answered 202'),
        expect.stringContaining('the event filing.published'),
        expect.stringContaining('filing.published set out for http://127.0.0.1:1/hook'),
        expect.stringMatching(/^attempt 1 of delivery wd_\w+ is due$/),
        expect.stringMatching(/^attempt 1 failed: .*\(connection refused\)$/),
        expect.stringMatching(/^attempt 2 arrived: http:\/\/127.0.0.1:1\/hook took/),
      ]);
      expect((await acme.call('GET', '/v1/diagnostics/requests/unknown')).status).toBe(404);
      const summary = (await acme.call('GET', '/v1/diagnostics/deliveries/summary')).body;
      expect(summary.webhookRows).toMatchObject([
        { status: 200, okCount: 1, errorCount: 0, count: 1 },
        { status: null, okCount: 0, errorCount: 1, count: 1 },
      ]);
      expect(summary).toMatchObject({
        object: 'delivery_summary',
        orgId: acme.orgId,
        streamRows: [],
      });
      expect(endpoint.status).toBe(201);
    });

    it('tell changes only to those who may read the audit trail', async () => {
      const body = { destinationUrl: 'http://127.0.0.1:1/hook' };
      await acme.call('POST', '/v1/webhook_endpoints', body, { 'x-request-id': 'a-change' });
      const told = async (asker: Tenant): Promise<string> =>
        JSON.stringify(
          (await asker.call('GET', '/v1/diagnostics/requests/a-change?explain=true')).body,
        );
      const reader = await api.newKey(acme.orgId, { scopes: ['read:sec'] });
      const test = await api.newKey(acme.orgId, { livemode: false });
      await publish({}, { 'x-request-id': 'a-change' }, test);
      expect(await told(acme)).toContain('changed webhook endpoint');
      expect(await told(reader)).toContain('sent POST /v1/webhook_endpoints');
      expect(await told(reader)).not.toContain('changed webhook endpoint');
      expect(await told(test)).toContain('sent POST /v1/events');
      expect(await told(test)).not.toContain('changed webhook endpoint');
    });

    it('show each kind from its first record on and count all, however many of another there are', async () => {
      const { body: event } = await publish({}, { 'x-request-id': 'a-flood' });
      await api.database.db.query(
        `INSERT INTO webhook_attempts (id, delivery_id, org_id, livemode, endpoint_id, event_id, event_type, request_id,
           attempt, trigger, destination_url, http_status, ok, created_at)
         SELECT 'wdel_flood' || lpad(n::text, 4, '0'), 'wd_flood', $1, true, 'we_flood', $2, 'filing.published',
           'a-flood', n, 'schedule', 'http://127.0.0.1:1/hook', 200, true, now()
         FROM generate_series(1, 600) n`,
        [acme.orgId, event.id],
      );
      const { body } = await acme.call('GET', '/v1/diagnostics/requests/a-flood');
      expect(body.events).toMatchObject([{ id: event.id }]);
      expect(body.webhookDeliveries).toHaveLength(500);
      expect(body.webhookDeliveries[0].id).toBe('wdel_flood0001');
      expect(body.summary).toMatchObject({ eventCount: 1, webhookDeliveryCount: 600 });
    });
  });
});

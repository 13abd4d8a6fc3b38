import { emitEvent } from '../../entities/publish-event';
import { until } from '../support/until';
import { startApi, type Answer, type Tenant, type TestApi } from '../support/api';

describe('streams', () => {
  let api: TestApi;
  let acme: Tenant;
  beforeAll(async () => {
    api = await startApi();
  });
  beforeEach(async () => {
    acme = await api.newTenant();
  });
  afterAll(() => api.close());
  const create = (body: object = {}, tenant = acme): Promise<Answer> =>
    tenant.call('POST', '/v1/stream_subscriptions', body);
  const publish = (n: number, type = 'filing.published', tenant = acme): Promise<Answer> =>
    tenant.call('POST', '/v1/events', { type, data: { n } });
  const poll = (id: string, query = '', tenant = acme): Promise<Answer> =>
    tenant.call('GET', `/v1/stream_subscriptions/${id}/events${query}`);

  /** Waits until a stream shows so many records: transactions of the whole cluster, other tests' too, hold them back. */
  const shows = (id: string, count: number, tenant = acme): Promise<Answer> =>
    until(
      () => poll(id, '?limit=200', tenant),
      ({ body }) => body.data.length === count,
    );

  it('are made with the published defaults and listed with where they stand', async () => {
    const { status, body } = await create({ description: null });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      object: 'stream_subscription',
      id: expect.stringMatching(/^strm_/),
      transport: 'poll',
      status: 'active',
      eventTypes: [],
      livemode: true,
      lastEventAt: null,
    });
    await publish(1);
    const listed = await until(
      () => acme.call('GET', '/v1/stream_subscriptions'),
      (list) => list.body.data[0].cursor !== null,
    );
    expect(listed.body.data[0]).toMatchObject({
      id: body.id,
      cursor: expect.stringMatching(/^sevt_/),
      lastEventAt: expect.stringMatching(/Z$/),
    });
    expect((await create({ eventTypes: ['no.such'] })).body.details.issues[0].path).toBe(
      'eventTypes.0',
    );
    expect((await create({ transport: 'pigeon' })).status).toBe(400);
  });

  it('are read in order, page by page, and again from any cursor', async () => {
    const { id } = (await create({ eventTypes: ['filing.*'] })).body;
    for (let n = 0; n < 5; n++) await publish(n);
    await publish(9, 'monitor.match');
    await shows(id as string, 5);
    const first = (await poll(id, '?limit=3')).body;
    expect(first).toMatchObject({ object: 'stream_event_page', streamId: id, hasMore: true });
    expect(first.data.map((row: { data: { n: number } }) => row.data.n)).toEqual([0, 1, 2]);
    const rest = (await poll(id, `?limit=3&cursor=${first.nextCursor}`)).body;
    expect(rest.data.map((row: { data: { n: number } }) => row.data.n)).toEqual([3, 4]);
    expect(rest).toMatchObject({ hasMore: false, nextCursor: null });
    expect((await poll(id, `?cursor=${rest.replayCursor}`)).body).toMatchObject({
      data: [],
      replayCursor: rest.replayCursor,
    });
    expect((await poll(id, '?limit=3')).body.data).toEqual(first.data);
    const other = (await create()).body.id;
    expect((await poll(other, `?cursor=${first.nextCursor}`)).body.code).toBe('invalid_cursor');
    expect((await poll(id, '?cursor=nonsense')).body.code).toBe('invalid_cursor');
  });

  it.each(['0', '-1', 'abc', '1.5', ''])('refuse a limit of %p and name it', async (limit) => {
    const { id } = (await create()).body;
    const { status, body } = await poll(id, `?limit=${limit}`);
    expect(status).toBe(400);
    expect(body.details.issues).toEqual([
      { path: 'limit', message: 'must be a positive whole number' },
    ]);
  });

  it('take in nothing while they are paused, and go on with what comes after', async () => {
    const { id } = (await create()).body;
    await publish(1);
    const set = (body: object): Promise<Answer> =>
      acme.call('PATCH', `/v1/stream_subscriptions/${id}`, body);
    expect((await set({ status: 'paused', description: 'idle' })).body).toMatchObject({
      status: 'paused',
      description: 'idle',
      eventTypes: [],
    });
    await publish(2);
    expect((await set({ status: 'active', description: null })).body.description).toBe('idle');
    await publish(3);
    const { body } = await shows(id as string, 2);
    expect(body.data.map((row: { data: { n: number } }) => row.data.n)).toEqual([1, 3]);
    expect((await set({ status: 'stopped' })).status).toBe(400);
    expect((await set({ eventTypes: ['no.such'] })).body.details.issues[0].path).toBe(
      'eventTypes.0',
    );
    const { data } = (await acme.call('GET', '/v1/audit/records')).body;
    expect(data.map(({ action }: { action: string }) => action)).toContain(
      'stream_subscription.updated',
    );
  });

  it('are gone when deleted: not shown, not listed, not read', async () => {
    const { id } = (await create()).body;
    const path = `/v1/stream_subscriptions/${id}`;
    expect((await acme.call('GET', path)).body.id).toBe(id);
    expect((await acme.call('DELETE', path)).body).toMatchObject({ id, status: 'paused' });
    expect((await acme.call('DELETE', path)).status).toBe(404);
    expect((await acme.call('GET', path)).status).toBe(404);
    expect((await poll(id)).status).toBe(404);
    expect((await acme.call('GET', '/v1/stream_subscriptions')).body.data).toEqual([]);
    expect((await publish(1)).status).toBe(202);
  });

  it('of transport webhook_mirror hold what went to a webhook endpoint, and nothing else', async () => {
    const mirror = (await create({ transport: 'webhook_mirror', eventTypes: ['filing.*'] })).body;
    const whole = (await create({ eventTypes: ['filing.*', 'monitor.match'] })).body.id as string;
    await publish(0);
    const endpoint = (
      await acme.call('POST', '/v1/webhook_endpoints', {
        destinationUrl: 'http://127.0.0.1:1/',
        subscribedEventTypes: ['filing.published', 'monitor.match'],
      })
    ).body;
    await publish(1);
    await publish(2, 'monitor.match');
    await acme.call('PATCH', `/v1/webhook_endpoints/${endpoint.id}`, { status: 'disabled' });
    await publish(3);
    await acme.call('PATCH', `/v1/webhook_endpoints/${endpoint.id}`, { status: 'active' });
    await publish(4);
    await shows(whole, 5);
    const { data } = (await poll(mirror.id)).body;
    expect(data.map((row: { data: { n: number } }) => row.data.n)).toEqual([1, 4]);
    expect(data[0].transport).toBe('webhook_mirror');
    const { body } = await acme.call('GET', `/v1/deliveries?webhookId=${endpoint.id}`);
    const delivered = body.data
      .filter((row: { eventType: string }) => row.eventType === 'filing.published')
      .map((row: { eventId: string }) => row.eventId);
    expect(data.map((row: { eventId: string }) => row.eventId).sort()).toEqual(delivered.sort());
  });

  it('are counted in the delivery summary, by stream and type', async () => {
    const { id } = (await create({ eventTypes: ['filing.*'] })).body;
    const sandbox = await api.newKey(acme.orgId, { livemode: false });
    await create({}, sandbox);
    for (let n = 0; n < 3; n++) await publish(n);
    await publish(4, 'filing.published', sandbox);
    const summary = (tenant: Tenant, query = ''): Promise<Answer> =>
      tenant.call('GET', `/v1/diagnostics/deliveries/summary${query}`);
    const [row, ...others] = (await summary(acme)).body.streamRows;
    expect(row).toEqual({
      streamId: id,
      eventType: 'filing.published',
      transport: 'poll',
      count: 3,
      replayableCount: 3,
      lastSeenAt: expect.stringMatching(/Z$/),
    });
    expect(others).toHaveLength(1);
    expect((await summary(sandbox)).body.streamRows).toEqual(others);
    const since = new Date().toISOString();
    expect((await summary(acme, `?since=${since}`)).body.streamRows).toEqual([]);
    await acme.call('DELETE', `/v1/stream_subscriptions/${id}`);
    expect((await summary(acme)).body.streamRows[0]).toMatchObject({
      count: 3,
      replayableCount: 0,
    });
  });

  it('skip no record that commits late: a poller at full speed sees all of ten writers’ once, in one order', async () => {
    const { id } = (await create({ eventTypes: ['filing.published'] })).body;
    const total = 200;
    let writing = true;
    const writers = Promise.all(
      Array.from({ length: 10 }, async (_, w) => {
        for (let i = 0; i < total / 10; i++) {
          await api.database.db.transaction(async (tx) => {
            await tx.query('SELECT pg_current_xact_id(), pg_sleep($1)', [Math.random() / 100]);
            await emitEvent(tx, {
              orgId: acme.orgId,
              livemode: true,
              type: 'filing.published',
              data: { w, i },
              requestId: 'req_x',
              now: new Date(),
              schedule: api.context.schedule,
            });
            await tx.query('SELECT pg_sleep($1)', [Math.random() / 50]);
          });
        }
      }),
    ).finally(() => (writing = false));
    const seen: string[] = [];
    let cursor = '';
    for (;;) {
      const ended = !writing;
      const page = (await poll(id, `?limit=200${cursor && `&cursor=${cursor}`}`)).body;
      seen.push(...page.data.map((row: { id: string }) => row.id));
      cursor = page.replayCursor ?? '';
      if (ended && seen.length >= total) break;
    }
    await writers;
    expect(seen).toHaveLength(total);
    expect(new Set(seen).size).toBe(total);
    const again = (await poll(id, '?limit=200')).body.data.map((row: { id: string }) => row.id);
    expect(again).toEqual(seen);
  }, 60_000);

  it('keep the modes apart', async () => {
    const live = (await create()).body.id;
    const test = await api.newKey(acme.orgId, { livemode: false });
    const own = (await create({}, test)).body;
    expect(own.livemode).toBe(false);
    await publish(1);
    await publish(2, 'filing.published', test);
    await shows(own.id as string, 1, test);
    expect((await poll(live, '', test)).status).toBe(404);
    expect((await create({ livemode: true }, test)).status).toBe(403);
  });

  it('are read in shorter pages where the events are large', async () => {
    const { body: stream } = await create();
    const data = { pad: 'x'.repeat(900_000) };
    for (let n = 0; n < 12; n++) {
      await acme.call('POST', '/v1/events', { type: 'filing.published', data });
    }
    const twoPages = async () => {
      const first = (await poll(stream.id as string)).body;
      const rest = (await poll(stream.id as string, `?cursor=${first.replayCursor}`)).body;
      return { first, rest };
    };
    await until(twoPages, ({ first, rest }) => first.data.length + rest.data.length === 12);
    const seen = await twoPages();
    expect(seen.first.hasMore).toBe(true);
    expect(seen.rest.hasMore).toBe(false);
    expect(seen.first.data.length).toBeLessThan(12);
  });
});

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
    const [listed] = (await acme.call('GET', '/v1/stream_subscriptions')).body.data;
    expect(listed).toMatchObject({ id: body.id, cursor: expect.stringMatching(/^sevt_/) });
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
});

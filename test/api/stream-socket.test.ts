import { startApi, type Answer, type Tenant, type TestApi } from '../support/api';
import { openSocket, refusalOf, ticketOf, tryToOpen, type Frame } from '../support/sockets';
import { until } from '../support/until';

describe('a WebSocket', () => {
  let api: TestApi;
  let acme: Tenant;
  beforeAll(async () => {
    api = await startApi({ STREAM_SOCKETS_PER_ORGANIZATION: '3' });
  });
  beforeEach(async () => {
    acme = await api.newTenant();
  });
  afterAll(() => api.close());

  const publish = (data: object, type = 'filing.published', tenant = acme): Promise<Answer> =>
    tenant.call('POST', '/v1/events', { type, data });
  const newStream = async (body: object = {}, tenant = acme): Promise<string> =>
    (await tenant.call('POST', '/v1/stream_subscriptions', body)).body.id as string;
  const n = (frames: readonly Frame[]): unknown[] => frames.map((frame) => frame.data.n);

  it('begins with `connected`, then tells what is published from then on', async () => {
    await publish({ n: 0 });
    const socket = await openSocket(api, acme, { forms: '10-K,8-K', tickers: 'AAPL' });
    expect(socket.frames[0]).toEqual({
      event: 'connected',
      connectionId: expect.stringMatching(/^conn_/),
      orgId: acme.orgId,
      filters: { forms: ['10-K', '8-K'], tickers: ['AAPL'] },
      cursor: expect.any(String),
      serverTime: expect.stringMatching(/Z$/),
    });
    const filing = { accessionNumber: '0000320193-26-000001', form: '10-k', ticker: 'AAPL' };
    await publish({ ...filing, ticker: 'MSFT' });
    await publish({ ...filing, form: '10-Q' });
    const { id } = (await publish({ ...filing, cik: 320193 })).body;
    const [frame] = await socket.heard('filing.published');
    expect(frame).toEqual({
      event: 'filing.published',
      filing: { ...filing, cik: '320193', completedAt: expect.stringMatching(/Z$/) },
      data: { ...filing, cik: 320193 },
      eventId: id,
      cursor: id,
      deliveredAt: expect.stringMatching(/Z$/),
    });
    expect(socket.frames).toHaveLength(2);
    await socket.leave();
  });

  it('tells any other event with its data byte for byte, big numbers and NUL included', async () => {
    const socket = await openSocket(api, acme, { types: 'monitor.*' });
    const data = '{"big":12345678901234567890.10, "nul":"\\u0000","escaped":"\\/"}';
    await publish({ n: 1 });
    await acme.call('POST', '/v1/events', `{"type":"monitor.match","data":${data}}`);
    await socket.heard('monitor.match');
    expect(socket.texts[1]).toContain(`"data":${data},`);
    expect(socket.frames).toHaveLength(2);
    await socket.leave();
  });

  it('goes on from a cursor without a gap or a repeat, and says what it repeats from before', async () => {
    const first = await openSocket(api, acme);
    for (let i = 0; i < 3; i++) await publish({ n: i });
    const [, second] = await first.heard('filing.published', 3);
    await first.leave();
    for (let i = 3; i < 5; i++) await publish({ n: i });
    const again = await openSocket(api, acme, { cursor: second.cursor });
    expect(again.frames[0].cursor).toBe(second.cursor);
    await again.heard('filing.published', 3);
    await publish({ n: 5 });
    const frames = await again.heard('filing.published', 4);
    expect(n(frames)).toEqual([2, 3, 4, 5]);
    expect(frames.map((frame) => frame.replayed)).toEqual([true, true, true, undefined]);
    await again.leave();
  });

  it('goes on from the cursor of `connected` or `pong` where nothing had come yet', async () => {
    const first = await openSocket(api, acme);
    first.say({ type: 'ping' });
    const [pong] = await first.heard('pong');
    const { cursor } = first.frames[0];
    await first.leave();
    await publish({ n: 1 });
    for (const from of [cursor, pong.cursor]) {
      const again = await openSocket(api, acme, { cursor: from });
      expect(n(await again.heard('filing.published'))).toEqual([1]);
      await again.leave();
    }
  });

  it('reads one stream’s records by streamId, under the same cursors as a poll', async () => {
    const streamId = await newStream({ eventTypes: ['monitor.match'], transport: 'websocket' });
    const socket = await openSocket(api, acme, { streamId });
    await publish({ n: 1 });
    await publish({ n: 2 }, 'monitor.match');
    await publish({ n: 3 }, 'monitor.match');
    const [two] = await socket.heard('monitor.match', 2);
    expect(two.cursor).toMatch(/^sevt_/);
    const poll = (cursor: string): Promise<Answer> =>
      acme.call('GET', `/v1/stream_subscriptions/${streamId}/events?cursor=${cursor}`);
    expect(n((await poll(two.cursor)).body.data)).toEqual([3]);
    expect(n((await poll(socket.frames[0].cursor)).body.data)).toEqual([2, 3]);
    await socket.leave();
  });

  it('keeps modes and organizations apart, and leaves out pings meant for an endpoint', async () => {
    const test = await api.newKey(acme.orgId, { livemode: false });
    const [live, sandbox] = [await openSocket(api, acme), await openSocket(api, test)];
    const endpoint = { destinationUrl: 'http://127.0.0.1:1/' };
    const { id } = (await acme.call('POST', '/v1/webhook_endpoints', endpoint)).body;
    await acme.call('POST', `/v1/webhook_endpoints/${id}/test`);
    await publish({ n: 9 }, 'filing.published', await api.newTenant());
    await publish({ n: 1 }, 'filing.published', test);
    await publish({ n: 2 });
    expect(n(await live.heard('filing.published'))).toEqual([2]);
    expect(n(await sandbox.heard('filing.published'))).toEqual([1]);
    expect(live.frames.map(({ event }) => event)).not.toContain('ping');
    await Promise.all([live.leave(), sandbox.leave()]);
  });

  it('changes its filters when asked: what is left out of the frame stays', async () => {
    const socket = await openSocket(api, acme, { forms: '8-K' });
    socket.say({ type: 'update_filters', tickers: ['IBM'], forms: null });
    const [updated] = await socket.heard('filters_updated');
    expect(updated.filters).toEqual({ forms: ['8-K'], tickers: ['IBM'] });
    socket.say({ type: 'update_filters', forms: [] });
    const [, cleared] = await socket.heard('filters_updated', 2);
    expect(cleared.filters).toEqual({ forms: [], tickers: ['IBM'] });
    await publish({ n: 1, ticker: 'AAPL' });
    await publish({ n: 2, ticker: 'ibm' });
    expect(n(await socket.heard('filing.published'))).toEqual([2]);
    await socket.leave();
  });

  it('answers frames that it doesn’t understand, and goes on', async () => {
    const socket = await openSocket(api, acme);
    for (const frame of ['{', '7', '{"type":"fly"}', '{"type":"update_filters","forms":7}']) {
      socket.say(frame);
    }
    socket.ws.send(Buffer.from('binary'));
    const errors = await socket.heard('error', 5);
    expect(errors.map(({ code }) => code)).toEqual([
      'invalid_json',
      ...Array.from({ length: 3 }, () => 'invalid_request'),
      'invalid_json',
    ]);
    socket.say({ type: 'ping' });
    await socket.heard('pong');
    await socket.leave();
  });

  describe('before it opens', () => {
    it('needs a ticket: none, an unknown, used or expired one is 401', async () => {
      expect((await refusalOf(api, {})).body).toMatchObject({
        object: 'error',
        code: 'missing_api_key',
        requestId: 'walk',
        hint: expect.stringContaining('/v1/stream/tickets'),
      });
      const ticket = await ticketOf(acme);
      const opened = await tryToOpen(api, { ticket });
      if ('status' in opened) throw new Error('refused');
      await opened.leave();
      const expired = await ticketOf(acme);
      await api.database.db.query(
        `UPDATE stream_tickets SET expires_at = now() WHERE used_at IS NULL`,
      );
      for (const dead of [ticket, expired, 'nonsense', 'secapi_ticket_\u0000']) {
        const { status, body } = await refusalOf(api, { ticket: dead });
        expect([status, body.code]).toEqual([401, 'authentication_failed']);
      }
    });

    it('uses a ticket once, also when twenty try at the same moment', async () => {
      const ticket = await ticketOf(acme);
      const tries = await Promise.all(Array.from({ length: 20 }, () => tryToOpen(api, { ticket })));
      const statuses = tries.map((each) => ('status' in each ? each.status : 101));
      expect(statuses.filter((status) => status === 101)).toHaveLength(1);
      expect(statuses.filter((status) => status === 401)).toHaveLength(19);
      for (const each of tries) if (!('status' in each)) await each.leave();
    });

    it('stores a ticket as a hash alone, for 60 seconds, and not for a key that is revoked since', async () => {
      const key = await api.newKey(acme.orgId);
      const { status, body } = await key.call('POST', '/v1/stream/tickets');
      expect(status).toBe(201);
      expect(body).toMatchObject({ object: 'stream_ticket', requestId: expect.any(String) });
      expect(Date.parse(body.expiresAt) - Date.parse(body.issuedAt)).toBe(60_000);
      const [row] = await api.database.db.query(
        `SELECT t::text, principal_id FROM stream_tickets t WHERE id = $1`,
        [body.ticketId],
      );
      expect(row.t).not.toContain(body.token.slice(14));
      await acme.call('DELETE', `/v1/api_keys/${row.principal_id}`);
      expect((await refusalOf(api, { ticket: body.token })).status).toBe(401);
    });

    it('refuses cursors of another list, stream, organization or mode, and leaves the ticket', async () => {
      const [mine, other] = [await newStream(), await newStream()];
      const stranger = await api.newTenant();
      await publish({ n: 1 });
      const foreign = (await publish({ n: 1 }, 'filing.published', stranger)).body.id as string;
      const socket = await openSocket(api, acme);
      const ofEvents = socket.frames[0].cursor as string;
      await socket.leave();
      const page = await until(
        () => acme.call('GET', `/v1/stream_subscriptions/${other}/events`),
        ({ body }) => body.data.length > 0,
      );
      const ofOther = page.body.replayCursor as string;
      const ticket = await ticketOf(acme);
      for (const query of [
        { cursor: 'nonsense' },
        { cursor: foreign },
        { cursor: ofOther },
        { cursor: ofOther, streamId: mine },
        { cursor: ofEvents, streamId: mine },
      ]) {
        const { status, body } = await refusalOf(api, { ticket, ...query });
        expect([status, body.code]).toEqual([400, 'invalid_cursor']);
      }
      const test = await api.newKey(acme.orgId, { livemode: false });
      const cursor = { cursor: ofEvents, ticket: await ticketOf(test) };
      expect((await refusalOf(api, cursor)).body.code).toBe('invalid_cursor');
      const opened = await tryToOpen(api, { ticket, cursor: ofOther, streamId: other });
      if ('status' in opened) throw new Error('refused');
      await opened.leave();
    });

    it('names what else is wrong: types by their path, another’s or a live stream not found', async () => {
      const ticket = await ticketOf(acme);
      const { body } = await refusalOf(api, { ticket, types: 'filing.published,no.such' });
      expect(body.details.issues[0].path).toBe('types.1');
      const streamId = await newStream({}, await api.newTenant());
      expect((await refusalOf(api, { ticket, streamId })).body.code).toBe('not_found');
      const live = { streamId: await newStream() };
      const test = await ticketOf(await api.newKey(acme.orgId, { livemode: false }));
      expect((await refusalOf(api, { ticket: test, ...live })).status).toBe(404);
    });

    it('is 429 when the organization has as many open as it may, over all processes', async () => {
      const other = await api.another();
      const sockets = await Promise.all([api, other, api].map((at) => openSocket(at, acme)));
      const ticket = await ticketOf(acme);
      const { status, headers, body } = await refusalOf(other, { ticket });
      expect(status).toBe(429);
      expect(headers['retry-after']).toBe('15');
      expect(body).toMatchObject({ code: 'rate_limited', details: { limit: 3 } });
      await sockets[0]?.leave();
      const opened = await until(
        () => tryToOpen(other, { ticket }),
        (each) => !('status' in each),
      );
      for (const each of [...sockets.slice(1), opened]) if ('leave' in each) await each.leave();
      await other.close();
    });

    it('answers a plain request 401 without a ticket and 400 with one, which stays unused', async () => {
      const bare = { call: (path: string) => fetch(`${api.url}${path}`) };
      expect((await bare.call('/v1/stream/ws')).status).toBe(401);
      const ticket = await ticketOf(acme);
      const plain = await bare.call(`/v1/stream/ws?ticket=${ticket}`);
      expect(plain.status).toBe(400);
      expect(await plain.json()).toMatchObject({ code: 'invalid_request' });
      const opened = await tryToOpen(api, { ticket });
      if ('status' in opened) throw new Error('refused');
      await opened.leave();
    });
  });
});

import { renewSockets } from '../../entities/stream-socket';
import { startApi, type Answer, type Tenant, type TestApi } from '../support/api';
import { openSocket, refusalOf, ticketOf, tryToOpen, type Frame } from '../support/sockets';
import { until } from '../support/until';

const KIB = 1_024;

describe('a WebSocket is closed', () => {
  let api: TestApi;
  let acme: Tenant;
  beforeAll(async () => {
    const limits = { bufferedBytes: 64 * KIB, slowMs: 300, renewMs: 100 };
    api = await startApi({}, undefined, undefined, limits);
  });
  beforeEach(async () => {
    acme = await api.newTenant();
  });
  afterAll(() => api.close());

  const publish = (data: object): Promise<Answer> =>
    acme.call('POST', '/v1/events', { type: 'filing.published', data });
  const metric = async (line: string): Promise<number> => {
    const text = await (await fetch(`${api.url}/metrics`)).text();
    const value = text.split('\n').find((each) => each.startsWith(`secapi_stream_${line} `));
    return Number(value?.split(' ').at(-1) ?? 0);
  };

  it('with 1008 when it floods, after it was told so once', async () => {
    const socket = await openSocket(api, acme);
    for (let i = 0; i < 500; i++) socket.say({ type: 'ping' });
    const { code, reason } = await socket.closed;
    expect(code).toBe(1008);
    expect(reason).toEqual({ reason: 'flood', cursor: socket.frames[0].cursor });
    const told = socket.frames.filter(({ event }: Frame) => event === 'rate_limited');
    expect(told).toEqual([
      { event: 'rate_limited', message: expect.any(String), retryAfterMs: expect.any(Number) },
    ]);
    expect(await metric('sockets_closed_total{reason="flood"}')).toBe(1);
  });

  it('not for being told to slow down, if it does', async () => {
    const socket = await openSocket(api, acme);
    for (let i = 0; i < 70; i++) socket.say({ type: 'ping' });
    const [told] = await socket.heard('rate_limited');
    const answered = (await socket.heard('pong', 60)).length;
    expect(told.retryAfterMs).toBeLessThanOrEqual(100);
    await until(
      () => {
        socket.say({ type: 'ping' });
        return Promise.resolve(socket.frames.filter(({ event }: Frame) => event === 'pong').length);
      },
      (count) => count > answered + 2,
    );
    await socket.leave();
  });

  it('with 1013 and its cursor when it reads too slowly; from there nothing is missing or twice', async () => {
    const total = 40;
    const slow = await openSocket(api, acme);
    const steady = await openSocket(api, acme);
    slow.ws.pause();
    const text = 'x'.repeat(500 * KIB);
    for (let n = 0; n < total; n++) await publish({ n, text });
    await steady.heard('filing.published', total);
    await until(
      () => metric('sockets_closed_total{reason="slow_consumer"}'),
      (count) => count === 1,
    );
    slow.ws.resume();
    const { code, reason } = await slow.closed;
    expect(code).toBe(1013);
    const got = slow.frames.slice(1);
    expect(got.length).toBeLessThan(total);
    expect(reason).toEqual({ reason: 'slow_consumer', cursor: got.at(-1).cursor });
    const again = await openSocket(api, acme, { cursor: reason.cursor });
    await again.heard('filing.published', total - got.length);
    const all = [...got, ...again.frames.slice(1)].map(({ data }: Frame) => data.n);
    expect(all).toEqual(Array.from({ length: total }, (_, n) => n));
    await Promise.all([steady.leave(), again.leave()]);
  }, 60_000);

  it('when its key is revoked, and when its stream is deleted', async () => {
    const key = await api.newKey(acme.orgId);
    const { id } = (await acme.call('POST', '/v1/stream_subscriptions', {})).body;
    const [ofKey, ofStream] = [
      await openSocket(api, key),
      await openSocket(api, acme, { streamId: id }),
    ];
    const { principalId } = (await key.call('GET', '/v1/me')).body.principal;
    await acme.call('DELETE', `/v1/api_keys/${principalId}`);
    await acme.call('DELETE', `/v1/stream_subscriptions/${id}`);
    expect(await ofKey.closed).toMatchObject({ code: 1008, reason: { reason: 'key_revoked' } });
    const end = await ofStream.closed;
    expect(end).toMatchObject({ code: 1008, reason: { reason: 'stream_deleted' } });
  });

  it('when it answers no ping, not while it does', async () => {
    const pinging = await startApi({}, undefined, undefined, { pingMs: 300 });
    const tenant = await pinging.newTenant();
    const lively = await openSocket(pinging, tenant);
    const ticket = await ticketOf(tenant);
    const dead = await tryToOpen(pinging, { ticket }, { autoPong: false });
    if ('status' in dead) throw new Error('refused');
    expect((await dead.closed).code).toBe(1006);
    lively.say({ type: 'ping' });
    await lively.heard('pong');
    await lively.leave();
    await pinging.close();
  });

  it('with 1009 when a frame is larger than 16 KiB', async () => {
    const socket = await openSocket(api, acme);
    socket.say('x'.repeat(16 * KIB + 1));
    expect((await socket.closed).code).toBe(1009);
    expect(await metric('sockets_closed_total{reason="protocol"}')).toBe(1);
  });

  it('with 1001 and its cursor when the server drains; nobody is let in any more', async () => {
    const other = await api.another();
    const socket = await openSocket(other, acme);
    await publish({ n: 1 });
    await socket.heard('filing.published');
    const ticket = await ticketOf(acme);
    await other.sockets.drain();
    const { code, reason } = await socket.closed;
    expect([code, reason.reason]).toEqual([1001, 'draining']);
    const { status, headers, body } = await refusalOf(other, { ticket });
    expect([status, headers['retry-after'], body.code]).toEqual([
      503,
      '1',
      'dependency_unavailable',
    ]);
    await publish({ n: 2 });
    const moved = await tryToOpen(api, { ticket, cursor: reason.cursor });
    if ('status' in moved) throw new Error('refused');
    const [two] = await moved.heard('filing.published');
    expect(two.data).toEqual({ n: 2 });
    await moved.leave();
    await other.close();
  });

  it('and counted: none is left open, nor opened again by a late sign of life', async () => {
    await until(
      () => metric('sockets_open'),
      (open) => open === 0,
    );
    expect(await metric('frames_sent_total{kind="record"}')).toBeGreaterThan(80);
    const { db } = api.database;
    const open = (): Promise<{ id: string }[]> =>
      db.query(`SELECT id FROM stream_tickets WHERE open_until > now()`);
    await until(open, (tickets) => tickets.length === 0);
    const all: { id: string }[] = await db.query(`SELECT id FROM stream_tickets`);
    await renewSockets(
      db,
      all.map(({ id }) => id),
      new Date(),
    );
    expect(await open()).toEqual([]);
  });
});

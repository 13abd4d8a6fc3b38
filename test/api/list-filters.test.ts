import { operations } from '../../api/operations';
import { startApi, type Tenant, type TestApi } from '../support/api';

type Shape = Record<string, { safeParse(value: unknown): { success: boolean } }>;
const shapeOf = (input: unknown): Shape => (input as { shape?: Shape }).shape ?? {};

/** Every read of one path that takes one of these query fields; a new one is walked without being added here. */
const reading = (field: string) =>
  operations
    .filter(({ method, path, input, scope }) => {
      const isRead = method === 'get' && scope !== 'public' && !path.includes(':');
      return isRead && field in shapeOf(input);
    })
    .map(({ path }) => [path] as const);

describe('what narrows a list', () => {
  let api: TestApi;
  let acme: Tenant;
  let operator: Tenant;
  beforeAll(async () => {
    api = await startApi();
    acme = await api.newTenant();
    operator = await api.newTenant({ scopes: ['admin:operator'] });
  });
  afterAll(() => api.close());
  const ask = (path: string, query: string) => {
    const isOperators = path.includes('/admin/') || path.includes('/observability');
    return (isOperators ? operator : acme).call('GET', `${path}?${query}`);
  };
  const refusal = async (path: string, query: string): Promise<unknown> => {
    const { status, body } = await ask(path, query);
    return [status, body.code, body.details?.issues?.[0]?.path];
  };

  it.each(reading('limit'))('%s refuses a limit that is no positive whole number', async (path) => {
    for (const limit of ['0', '-1', 'abc', '1.5', '']) {
      expect(await refusal(path, `limit=${limit}`)).toEqual([400, 'invalid_request', 'limit']);
    }
    expect((await ask(path, 'limit=100000')).status).toBe(200);
  });

  it.each(reading('since'))('%s refuses a since that is no date or lies ahead', async (path) => {
    const ahead = new Date(Date.now() + 60_000).toISOString();
    for (const since of ['soon', '2026-13-01', '2026-02-30', '12', '', ahead]) {
      const query = `since=${encodeURIComponent(since)}`;
      expect(await refusal(path, query)).toEqual([400, 'invalid_request', 'since']);
    }
    for (const since of ['2020-01-01', '2020-01-01T00:00:00Z', '2020-01-01T00:00:00.5+02:00']) {
      expect((await ask(path, `since=${encodeURIComponent(since)}`)).status).toBe(200);
    }
  });

  it.each(reading('cursor'))('%s refuses a cursor that it did not give', async (path) => {
    for (const cursor of ['x', 'bm9uc2Vuc2U', '%00', 'a'.repeat(500), 'a'.repeat(600)]) {
      expect((await ask(path, `cursor=${cursor}`)).body.code).toBe('invalid_cursor');
    }
  });

  it('a cursor is of one list of one organization, in whatever list it is tried', async () => {
    const other = await api.newTenant();
    for (const tenant of [acme, other]) {
      for (let i = 0; i < 2; i++) {
        await tenant.call('POST', '/v1/events', { type: 'filing.published', data: {} });
        await tenant.call('POST', '/v1/webhook_endpoints', {
          destinationUrl: 'http://127.0.0.1:1',
        });
      }
    }
    const cursorOf = async (tenant: Tenant, path: string): Promise<string> =>
      (await tenant.call('GET', `${path}?limit=1`)).body.nextCursor as string;
    const own = await cursorOf(acme, '/v1/webhook_endpoints');
    const foreign = await cursorOf(other, '/v1/events');
    for (const cursor of [own, foreign]) {
      const { status, body } = await acme.call('GET', `/v1/events?cursor=${cursor}`);
      expect([status, body.code]).toEqual([400, 'invalid_cursor']);
    }
  });

  it('the event log by type, mode, kind, request and time together', async () => {
    const tenant = await api.newTenant();
    const publish = async (type: string, livemode: boolean, requestId: string): Promise<string> => {
      const event = { type, data: {}, livemode };
      const made = await tenant.call('POST', '/v1/events', event, { 'x-request-id': requestId });
      return made.body.id as string;
    };
    const a = await publish('filing.published', true, 'req-a');
    const b = await publish('monitor.match', true, 'req-b');
    const c = await publish('monitor.match', false, 'req-b');
    await api.database.db.query(
      `UPDATE events SET created_at = now() - interval '2 days' WHERE id = $1`,
      [a],
    );
    const ids = async (query: string, of = tenant): Promise<string[]> =>
      (await of.call('GET', `/v1/events?${query}`)).body.data.map((row: { id: string }) => row.id);
    const yesterday = new Date(Date.now() - 86_400_000).toISOString();
    expect(await ids('type=monitor.match')).toEqual([c, b]);
    expect(await ids('livemode=true')).toEqual([b, a]);
    expect(await ids('livemode=false')).toEqual([c]);
    expect(await ids('requestId=req-b&livemode=true')).toEqual([b]);
    expect(await ids(`since=${yesterday}`)).toEqual([c, b]);
    expect(await ids(`since=${yesterday}&type=monitor.match&requestId=req-b&kind=event`)).toEqual([
      c,
      b,
    ]);
    expect(await ids('kind=stream_event')).toEqual([]);
    const test = await api.newKey(tenant.orgId, { livemode: false });
    expect(await ids('type=monitor.match', test)).toEqual([c]);
    expect(await ids('livemode=true', test)).toEqual([]);
  });
});

import { startApi, type Tenant, type TestApi } from '../support/api';

const EVENT = { type: 'filing.published', data: { form: '8-K' } };

describe('input at its edges', () => {
  let api: TestApi;
  let tenant: Tenant;
  beforeAll(async () => {
    api = await startApi();
    tenant = await api.newTenant();
  });
  afterAll(() => api.close());

  it('names the unknown fields of every item of a batch', async () => {
    const events = [EVENT, { ...EVENT, tpye: 1 }, 7];
    const answer = await tenant.call('post', '/v1/events', { events });
    expect(answer.headers.get('secapi-ignored-fields')).toBe('events[1].tpye');
    const [first, second, third] = answer.body.data;
    expect([first.object, second.object, third.object]).toEqual(['event', 'event', 'error']);
    const occurredAt = new Date().toISOString();
    const used = { id: 'u', meterClass: 'heavy_extract', units: 1, occurredAt, uints: 2 };
    const reported = await tenant.call('post', '/v1/usage/events', { events: [used] });
    expect(reported.headers.get('secapi-ignored-fields')).toBe('events[0].uints');
    expect(reported.body.accepted).toBe(1);
  });

  it('refuses text that is not Unicode, and lets requests beside it pass', async () => {
    const label = await tenant.call('post', '/v1/api_keys', '{"label":"\\ud800"}');
    expect(label.body.details.issues[0].path).toBe('label');
    const authorize = (key: string) =>
      tenant.call(
        'post',
        '/v1/usage/authorize',
        `{"meterClass":"heavy_extract","idempotencyKey":"${key}"}`,
      );
    const keys = ['a', 'x\\ud800', 'x\\ud801', 'b'];
    const answers = await Promise.all(keys.map(authorize));
    expect(answers.map(({ status }) => status)).toEqual([200, 400, 400, 200]);
  });

  it('refuses what is no time, with the path', async () => {
    for (const occurredAt of ['', ' ', 'now', '2026-02-30T00:00:00Z', '999999999999', '\u0000']) {
      const refused = await tenant.call('post', '/v1/events', { ...EVENT, occurredAt });
      expect(refused.body.details.issues[0].path).toBe('occurredAt');
    }
  });

  it.each(['9999-12-31T23:59:59-12:00', '0000-12-31T00:00:00Z', '0001-01-01T00:00:00+01:00'])(
    'refuses the time %s, which no reply could tell',
    async (time) => {
      const event = { ...EVENT, occurredAt: time };
      const published = await tenant.call('post', '/v1/events', event);
      expect(published.body.details.issues[0].path).toBe('occurredAt');
      const batch = await tenant.call('post', '/v1/events', { events: [event] });
      expect(batch.body.data[0].code).toBe('invalid_request');
      const since = encodeURIComponent(time);
      const listed = await tenant.call('get', `/v1/audit/records?since=${since}`);
      expect(listed.body.details.issues[0].path).toBe('since');
    },
  );

  it('clamps any limit over 200 and calls any cursor that is none invalid_cursor', async () => {
    expect((await tenant.call('get', '/v1/deliveries?limit=9999999999')).status).toBe(200);
    const digits = '9'.repeat(400);
    expect((await tenant.call('get', `/v1/deliveries?limit=${digits}`)).status).toBe(200);
    const long = await tenant.call('get', `/v1/deliveries?cursor=${'a'.repeat(600)}`);
    expect(long.body.code).toBe('invalid_cursor');
  });

  it('takes a null wait of a replay for none given', async () => {
    const none = '0'.repeat(32);
    const path = `/v1/webhook_endpoints/whe_${none}/deliveries/wd_${none}/replay`;
    expect((await tenant.call('post', path, { wait: null })).status).toBe(404);
    expect((await tenant.call('post', path, { wait: 5 })).status).toBe(404);
    expect((await tenant.call('post', `${path}?wait=5`)).status).toBe(404);
    for (const wait of [31, -1, 1.5, 'x']) {
      const refused = await tenant.call('post', path, { wait });
      expect(refused.body.details.issues[0].path).toBe('wait');
    }
  });
});

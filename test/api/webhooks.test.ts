import { startReceiver, type Receiver } from '../../devstack/receiver';
import { startApi, type Tenant, type TestApi } from '../support/api';

const EVENT = { type: 'filing.published', data: { n: 1 } };

describe('webhook endpoints', () => {
  let api: TestApi;
  let tenant: Tenant;
  let receiver: Receiver;
  beforeAll(async () => {
    [api, receiver] = await Promise.all([startApi(), startReceiver()]);
    tenant = await api.newTenant();
  });
  afterAll(() => Promise.all([api.close(), receiver.close()]));

  const create = (who: Tenant, more: Record<string, unknown> = {}) =>
    who.call('post', '/v1/webhook_endpoints', { destinationUrl: `${receiver.url}/ok`, ...more });

  describe('creating one', () => {
    it('answers the contract’s object, with the signing secret this once', async () => {
      const { status, body } = await create(tenant, { description: 'orders' });
      expect(status).toBe(201);
      expect(body).toEqual({
        object: 'webhook_endpoint',
        id: expect.stringMatching(/^whe_[0-9a-f]{32}$/),
        createdAt: expect.any(String),
        updatedAt: body.createdAt,
        livemode: true,
        orgId: tenant.orgId,
        description: 'orders',
        destinationUrl: `${receiver.url}/ok`,
        subscribedEventTypes: [],
        status: 'active',
        lastDeliveredAt: null,
        failingSince: null,
        maxPerSecond: null,
        signingSecret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
        requestId: expect.any(String),
      });
      const shown = await tenant.call('get', `/v1/webhook_endpoints/${body.id}`);
      expect(shown.body).not.toHaveProperty('signingSecret');
    });

    it.each([
      ['no URL', undefined],
      ['another scheme', 'ftp://example.com/'],
      ['credentials', 'https://user:pass@example.com/'],
      ['more than 2,048 characters', `https://example.com/${'x'.repeat(2_048)}`],
      ['what is no URL', 'example'],
    ])('refuses %s', async (_what, destinationUrl) => {
      const answer = await tenant.call('post', '/v1/webhook_endpoints', { destinationUrl });
      expect(answer.status).toBe(400);
      expect(answer.body.details.issues[0].path).toBe('destinationUrl');
    });

    it('refuses an unknown event type, and takes * and prefix.*', async () => {
      const bad = await create(tenant, { subscribedEventTypes: ['filing.*', 'no.such'] });
      expect(bad.body.details.issues[0].path).toBe('subscribedEventTypes.1');
      const good = await create(tenant, { subscribedEventTypes: ['filing.*', '*', '*'] });
      expect(good.body.subscribedEventTypes).toEqual(['filing.*', '*']);
    });

    it('keeps the modes apart: a test key makes and sees only test endpoints', async () => {
      const testKey = await api.newKey(tenant.orgId, { livemode: false });
      const live = await create(tenant);
      expect((await create(testKey, { livemode: true })).status).toBe(403);
      const mine = await create(testKey);
      expect(mine.body.livemode).toBe(false);
      expect((await testKey.call('get', `/v1/webhook_endpoints/${live.body.id}`)).status).toBe(404);
      const list = await testKey.call('get', '/v1/webhook_endpoints');
      expect(list.body.data.map((row: { id: string }) => row.id)).toEqual([mine.body.id]);
      const filtered = await tenant.call('get', '/v1/webhook_endpoints?livemode=false');
      expect(filtered.body.data.map((row: { id: string }) => row.id)).toEqual([mine.body.id]);
    });

    it('takes null for every optional field, as the published clients send it', async () => {
      const answer = await create(tenant, {
        description: null,
        subscribedEventTypes: null,
        livemode: null,
      });
      expect(answer.status).toBe(201);
    });
  });

  it('belong to their organization: to another one they are not found, like an id that never existed', async () => {
    const other = await api.newTenant();
    const { body } = await create(tenant);
    const never = `whe_${'0'.repeat(32)}`;
    for (const [method, tail] of [
      ['get', ''],
      ['patch', ''],
      ['delete', ''],
      ['post', '/rotate_secret'],
      ['post', '/test'],
      ['get', '/deliveries'],
    ] as const) {
      const headers = { 'x-request-id': 'same' };
      const send = (id: string) =>
        other.call(method, `/v1/webhook_endpoints/${id}${tail}`, undefined, headers);
      const [foreign, unknown, malformed] = [
        await send(body.id),
        await send(never),
        await send('key_1'),
      ];
      const scrub = (text: string) => text.replace(/00-[0-9a-f-]+/, '');
      expect(foreign.status).toBe(404);
      expect(scrub(foreign.text)).toBe(scrub(unknown.text));
      expect(scrub(foreign.text)).toBe(scrub(malformed.text));
    }
  });

  describe('changing one', () => {
    it('limits its attempts a second, keeps the limit where none is given, and lifts it with null', async () => {
      const { body } = await create(tenant, { maxPerSecond: 5 });
      const path = `/v1/webhook_endpoints/${body.id}`;
      const patch = async (change: object) =>
        (await tenant.call('patch', path, change)).body.maxPerSecond as number | null;
      expect(body.maxPerSecond).toBe(5);
      expect(await patch({ maxPerSecond: 40 })).toBe(40);
      expect(await patch({ description: 'other' })).toBe(40);
      expect(await patch({ maxPerSecond: null })).toBeNull();
      for (const maxPerSecond of [0, -1, 1.5, 10_001, 'ten']) {
        const answer = await tenant.call('patch', path, { maxPerSecond });
        expect(answer.status).toBe(400);
        expect(answer.body.details.issues[0].path).toBe('maxPerSecond');
      }
    });

    it('changes what is given and keeps the rest', async () => {
      const { body } = await create(tenant, { description: 'before' });
      const path = `/v1/webhook_endpoints/${body.id}`;
      const changed = await tenant.call('patch', path, { subscribedEventTypes: ['monitor.match'] });
      expect(changed.body).toMatchObject({
        description: 'before',
        subscribedEventTypes: ['monitor.match'],
      });
      expect((await tenant.call('patch', path, { livemode: false })).status).toBe(400);
    });

    it('gets no new deliveries while disabled, and those that wait are due at once when enabled', async () => {
      const owner = await api.newTenant();
      const { body } = await create(owner);
      const path = `/v1/webhook_endpoints/${body.id}`;
      const waiting = await owner.call('post', '/v1/events', EVENT);
      expect(waiting.body.deliveries).toBe(1);
      await owner.call('patch', path, { status: 'disabled' });
      expect((await owner.call('post', '/v1/events', EVENT)).body.deliveries).toBe(0);
      expect((await owner.call('post', `${path}/test`)).status).toBe(409);
      const [delivery] = (await owner.call('get', '/v1/deliveries')).body.data;
      expect(delivery.status).toBe('pending');
      const replay = await owner.call('post', `${path}/deliveries/${delivery.id}/replay`);
      expect(replay.status).toBe(409);
      const enabled = await owner.call('patch', path, { status: 'active' });
      expect(enabled.body.status).toBe('active');
      const [due] = (await owner.call('get', '/v1/deliveries')).body.data;
      expect(due).toMatchObject({ status: 'pending', nextAttemptAt: enabled.body.updatedAt });
    });

    it('cancels what waits when it is deleted, and is gone', async () => {
      const owner = await api.newTenant();
      const { body } = await create(owner);
      await owner.call('post', '/v1/events', EVENT);
      const path = `/v1/webhook_endpoints/${body.id}`;
      expect((await owner.call('delete', path)).status).toBe(200);
      expect((await owner.call('get', path)).status).toBe(404);
      const [delivery] = (await owner.call('get', '/v1/deliveries')).body.data;
      expect(delivery).toMatchObject({ status: 'cancelled', nextAttemptAt: null });
      const replay = await owner.call('post', `${path}/deliveries/${delivery.id}/replay`);
      expect(replay.status).toBe(404);
    });
  });

  it('tell the others of their creation, rotation and disabling, never themselves', async () => {
    const owner = await api.newTenant();
    const watcher = await create(owner, { subscribedEventTypes: ['webhook_endpoint.*'] });
    const { body } = await create(owner);
    const path = `/v1/webhook_endpoints/${body.id}`;
    const rotated = await owner.call('post', `${path}/rotate_secret`, { overlapSeconds: 60 });
    expect(rotated.body.signingSecret).not.toBe(body.signingSecret);
    await owner.call('patch', path, { status: 'disabled' });
    const { data } = (await owner.call('get', '/v1/deliveries')).body;
    const told = data.map((row: { eventType: string; webhookId: string }) => [
      row.eventType,
      row.webhookId,
    ]);
    expect(told).toEqual([
      ['webhook_endpoint.disabled', watcher.body.id],
      ['webhook_endpoint.secret_rotated', watcher.body.id],
      ['webhook_endpoint.created', watcher.body.id],
    ]);
  });

  it('leave an unbroken audit chain without any secret', async () => {
    const owner = await api.newTenant();
    const { body } = await create(owner);
    await owner.call('post', `/v1/webhook_endpoints/${body.id}/rotate_secret`);
    const rows = await api.database.db.query(
      'SELECT * FROM audit_records WHERE org_id = $1 ORDER BY seq',
      [owner.orgId],
    );
    expect(rows.map((row: { action: string }) => row.action)).toEqual([
      'webhook_endpoint.created',
      'webhook_endpoint.secret_rotated',
    ]);
    expect(rows[1].prev_hash).toBe(rows[0].hash);
    expect(JSON.stringify(rows)).not.toContain('whsec_');
  });
});

describe('publishing an event', () => {
  let api: TestApi;
  let tenant: Tenant;
  beforeAll(async () => {
    api = await startApi();
    tenant = await api.newTenant();
  });
  afterAll(() => api.close());

  const publish = (body: unknown, who = tenant) => who.call('post', '/v1/events', body);

  it('answers the data as it was sent, numbers and escapes included', async () => {
    const answer = await publish(
      '{"data":{"a":1.50e0,"b":90071992547409931},"type":"monitor.match"}',
    );
    expect(answer.text).toContain('"data":{"a":1.50e0,"b":90071992547409931}');
  });

  it('stores one event for a producer id, and refuses other content under it', async () => {
    const event = { ...EVENT, id: 'p-1' };
    const [first, second] = [await publish(event), await publish(event)];
    expect([first.status, second.status]).toEqual([202, 200]);
    expect(second.body.id).toBe(first.body.id);
    const other = await publish({ ...event, data: { n: 2 } });
    expect(other).toMatchObject({ status: 409, body: { code: 'conflict' } });
    const testKey = await api.newKey(tenant.orgId, { livemode: false });
    expect((await publish(event, testKey)).status).toBe(202);
  });

  it.each([
    ['an unknown type', { type: 'no.such', data: {} }, 'type'],
    ['a type that the system emits', { type: 'ping', data: {} }, 'type'],
    ['no data', { type: 'filing.published' }, 'data'],
    ['data that is no object', { type: 'filing.published', data: 'text' }, 'data'],
    ['a time that is none', { ...EVENT, occurredAt: 'yesterday' }, 'occurredAt'],
  ])('refuses %s', async (_what, body, path) => {
    const answer = await publish(body);
    expect(answer.status).toBe(400);
    expect(answer.body.details.issues.map((i: { path: string }) => i.path)).toContain(path);
  });

  it('gives each event of a batch its own outcome', async () => {
    const answer = await publish({ events: [EVENT, { type: 'no.such', data: {} }, EVENT] });
    expect(answer.status).toBe(202);
    const kinds = answer.body.data.map((item: { object: string }) => item.object);
    expect(kinds).toEqual(['event', 'error', 'event']);
    expect((await publish({ events: [] })).status).toBe(400);
    expect((await publish({ events: Array(101).fill(EVENT) })).status).toBe(400);
  });

  it('lets only an operator publish for another organization', async () => {
    const other = await api.newTenant();
    expect((await publish({ ...EVENT, orgId: other.orgId })).status).toBe(403);
    const operator = await api.newTenant({ scopes: ['events:publish', 'admin:operator'] });
    const answer = await publish({ ...EVENT, orgId: other.orgId }, operator);
    expect(answer).toMatchObject({ status: 202, body: { orgId: other.orgId } });
    const nobody = await publish({ ...EVENT, orgId: `org_${'0'.repeat(32)}` }, operator);
    expect(nobody.status).toBe(404);
  });
});

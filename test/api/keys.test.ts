import { isKeySecret, SCOPES } from '../../entities/api-key';
import { send, startApi, type Tenant, type TestApi } from '../support/api';

describe('API keys', () => {
  let api: TestApi;
  let other: TestApi;
  let acme: Tenant;
  const me = (key: string, headers: Record<string, string> = {}, at = api) =>
    send(`${at.url}/v1/me`, 'GET', undefined, { 'x-api-key': key, ...headers });

  beforeAll(async () => {
    api = await startApi({ TRUSTED_PROXIES: '1' });
    other = await api.another();
  });
  beforeEach(async () => {
    acme = await api.newTenant();
  });
  afterAll(async () => {
    await other.close();
    await api.close();
  });

  it('are made with the published defaults: read:sec, test mode, a secret shown once', async () => {
    const { status, body } = await acme.call('POST', '/v1/api_keys', { label: null });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      object: 'api_key',
      livemode: false,
      label: null,
      scopes: ['read:sec'],
      status: 'active',
      lastUsedAt: null,
      keyPrefix: body.secret.slice(0, 20),
    });
    expect(body.secret).toMatch(/^secapi_test_/);
    expect(isKeySecret(body.secret)).toBe(true);
    const listed = await acme.call('GET', '/v1/api_keys');
    expect(listed.text).not.toContain(body.secret);
    expect(listed.body.data[0].id).toBe(body.id);
  });

  it('mint only scopes they hold, and no live key from a test one', async () => {
    const manager = await api.newKey(acme.orgId, { scopes: ['keys:manage', 'read:sec'] });
    const refused = await manager.call('POST', '/v1/api_keys', { scopes: ['billing:manage'] });
    expect(refused.body).toMatchObject({
      code: 'insufficient_scope',
      details: { required: ['billing:manage'] },
    });
    const test = await api.newKey(acme.orgId, { livemode: false });
    expect((await test.call('POST', '/v1/api_keys', { livemode: true })).status).toBe(403);
    const unknown = await acme.call('POST', '/v1/api_keys', { scopes: ['everything'] });
    expect(unknown).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    expect(unknown.body.details.issues[0].path).toBe('scopes.0');
  });

  it('rotate only within the scopes of whoever rotates', async () => {
    const strong = await acme.call('POST', '/v1/api_keys', { scopes: ['billing:manage'] });
    const manager = await api.newKey(acme.orgId, { scopes: ['keys:manage'] });
    const refused = await manager.call('POST', `/v1/api_keys/${strong.body.id}/rotate`);
    expect(refused.body.code).toBe('insufficient_scope');
  });

  it('are refused over the plan’s number, also when 50 are asked at once; rotation always works', async () => {
    const made = await Promise.all(
      Array.from({ length: 50 }, () => acme.call('POST', '/v1/api_keys', {})),
    );
    expect(made.filter(({ status }) => status === 201)).toHaveLength(9);
    const refused = made.find(({ status }) => status === 403);
    expect(refused?.body).toMatchObject({ code: 'plan_limit_reached', details: { limit: 10 } });
    const id = made.find(({ status }) => status === 201)?.body.id as string;
    expect((await acme.call('POST', `/v1/api_keys/${id}/rotate`)).status).toBe(201);
    const active = (await acme.call('GET', '/v1/api_keys?limit=100')).body.data.find(
      (key: { id: string; status: string }) => key.id !== id && key.status === 'active',
    );
    const overlapping = await acme.call('POST', `/v1/api_keys/${active.id}/rotate`, {
      overlapSeconds: 60,
    });
    expect(overlapping.body.code).toBe('plan_limit_reached');
  });

  it('are dead on every API process at the next request once revoked, and revoking is idempotent', async () => {
    const { body } = await acme.call('POST', '/v1/api_keys', {});
    expect((await me(body.secret)).status).toBe(200);
    expect((await me(body.secret, {}, other)).status).toBe(200);
    const revoked = await acme.call('DELETE', `/v1/api_keys/${body.id}`);
    expect(revoked.body.status).toBe('revoked');
    expect((await me(body.secret, {}, other)).status).toBe(401);
    expect((await me(body.secret)).status).toBe(401);
    expect((await acme.call('DELETE', `/v1/api_keys/${body.id}`)).body).toMatchObject({
      id: body.id,
      status: 'revoked',
    });
  });

  it('rotate with an overlap in which both work, and without one in which the old is dead', async () => {
    const { body: old } = await acme.call('POST', '/v1/api_keys', { label: 'ci' });
    const path = `/v1/api_keys/${old.id}/rotate`;
    const { body: next } = await acme.call('POST', path, { overlapSeconds: 3_600 });
    expect(next).toMatchObject({ label: 'ci', scopes: ['read:sec'], replaces: old.id });
    expect((await me(old.secret)).status).toBe(200);
    expect((await me(next.secret)).status).toBe(200);
    const { body: last } = await acme.call('POST', `/v1/api_keys/${next.id}/rotate`);
    expect((await me(next.secret)).status).toBe(401);
    expect((await me(last.secret)).status).toBe(200);
    await api.database.db.query(
      `UPDATE api_keys SET expires_at = now() - interval '1 s' WHERE id = $1`,
      [old.id],
    );
    expect((await me(old.secret)).status).toBe(401);
  });

  it('expire: the future is asked for, the past refused', async () => {
    const refused = await acme.call('POST', '/v1/api_keys', { expiresAt: '2020-01-01T00:00:00Z' });
    expect(refused.body.details.issues[0].path).toBe('expiresAt');
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    expect((await acme.call('POST', '/v1/api_keys', { expiresAt })).body.expiresAt).toBe(expiresAt);
    const far = { expiresAt: '9999-12-31T23:59:59-12:00' };
    const beyond = await acme.call('POST', '/v1/api_keys', far);
    expect(beyond.body.details.issues[0].path).toBe('expiresAt');
  });

  it.each([0, 60])(
    'keep their expiry when they are rotated (overlap of %s s)',
    async (overlapSeconds) => {
      const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
      const { body } = await acme.call('POST', '/v1/api_keys', { expiresAt });
      const path = `/v1/api_keys/${body.id}/rotate`;
      expect((await acme.call('POST', path, { overlapSeconds })).body.expiresAt).toBe(expiresAt);
    },
  );

  it.each(['::ffff:203.0.113.9', '::ffff:203.0.113.0/120', '203.0.113.9'])(
    'with %s in the allow list work from that IPv4 address, however it is written',
    async (range) => {
      const { body } = await acme.call('POST', '/v1/api_keys', { ipAllowlist: [range] });
      const from = (hop: string) => me(body.secret, { 'x-forwarded-for': hop });
      expect((await from('203.0.113.9')).status).toBe(200);
      expect((await from('::ffff:203.0.113.9')).status).toBe(200);
      expect((await from('198.51.100.7')).status).toBe(403);
    },
  );

  it('with an allow list work only from there, by the hop that the trusted proxy wrote', async () => {
    const { body } = await acme.call('POST', '/v1/api_keys', {
      ipAllowlist: ['203.0.113.0/24', '2001:db8::/32'],
    });
    const from = (hops: string) => me(body.secret, { 'x-forwarded-for': hops });
    expect((await from('203.0.113.9')).status).toBe(200);
    expect((await from('::ffff:203.0.113.9')).status).toBe(200);
    expect((await from('2001:db8::5')).status).toBe(200);
    const refused = await from('203.0.113.9, 198.51.100.7');
    expect(refused).toMatchObject({ status: 403, body: { code: 'insufficient_scope' } });
    expect(refused.body.message).toContain('198.51.100.7');
    expect((await me(body.secret)).status).toBe(403);
    for (const range of ['10.0.0.0/33', '1', '1/8', 'fe80::1%eth0', '::ffff:10.0.0.0/95']) {
      const wrong = await acme.call('POST', '/v1/api_keys', { ipAllowlist: [range] });
      expect(wrong.body.details.issues[0].path).toBe('ipAllowlist.0');
    }
  });

  it('keep what is live out of a test key’s sight', async () => {
    const test = await api.newKey(acme.orgId, { livemode: false });
    const { body: live } = await acme.call('POST', '/v1/api_keys', { livemode: true });
    const listed = (await test.call('GET', '/v1/api_keys')).body.data as { livemode: boolean }[];
    expect(listed.every(({ livemode }) => !livemode)).toBe(true);
    const unseen = await test.call('DELETE', `/v1/api_keys/${live.id}`);
    expect(unseen.status).toBe(404);
  });

  it('show when they were last used, written in batches', async () => {
    const { body } = await acme.call('POST', '/v1/api_keys', {});
    const before = Date.now();
    for (let i = 0; i < 5; i++) await me(body.secret);
    await api.context.lastUse.flush();
    const { data } = (await acme.call('GET', '/v1/api_keys')).body;
    const { lastUsedAt } = data.find((key: { id: string }) => key.id === body.id);
    expect(Date.parse(lastUsedAt)).toBeGreaterThanOrEqual(before - 1_000);
  });

  it('refuse a caller without keys:manage, and the operator’s scope to everybody else', async () => {
    const reader = await api.newKey(acme.orgId, { scopes: ['read:sec'] });
    expect((await reader.call('POST', '/v1/api_keys', {})).status).toBe(403);
    const refused = await acme.call('POST', '/v1/api_keys', { scopes: [...SCOPES] });
    expect(refused.body.details.required).toEqual(['admin:operator']);
  });
});

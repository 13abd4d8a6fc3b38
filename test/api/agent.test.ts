import { isCheckedSecret } from '../../entities/checked-secret';
import { send, startApi, type Answer, type Tenant, type TestApi } from '../support/api';

describe('agent bootstrap', () => {
  let api: TestApi;
  let acme: Tenant;
  const newToken = (body: object = {}, tenant = acme): Promise<Answer> =>
    tenant.call('POST', '/v1/agent/bootstrap_tokens', body);
  const bootstrap = (token: string, more: object = {}): Promise<Answer> =>
    send(`${api.url}/v1/agent/bootstrap`, 'POST', { token, ...more });
  beforeAll(async () => {
    api = await startApi();
  });
  beforeEach(async () => {
    acme = await api.newTenant();
  });
  afterAll(() => api.close());

  it('turns a token into a key and everything an agent needs, as the contract has it', async () => {
    const made = await newToken({ label: 'crawler', scopes: ['read:sec'], ttlSeconds: 60 });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      object: 'agent_bootstrap_token',
      id: expect.stringMatching(/^abt_/),
      orgId: acme.orgId,
      actorPrincipalId: expect.stringMatching(/^key_/),
      label: 'crawler',
      tokenPrefix: made.body.secret.slice(0, 20),
      scopes: ['read:sec'],
      livemode: true,
      usedAt: null,
      usedByPrincipalId: null,
    });
    expect(isCheckedSecret(made.body.secret as string)).toBe(true);
    const { status, body } = await bootstrap(made.body.secret as string);
    expect(status).toBe(201);
    expect(body).toMatchObject({
      object: 'agent_bootstrap',
      organization: { object: 'organization', id: acme.orgId },
      apiKey: { object: 'api_key', label: 'crawler', scopes: ['read:sec'], livemode: true },
      billing: { object: 'billing_account', effectivePlanKey: 'team', requestId: body.requestId },
      limits: { object: 'limits', requestsPerMinute: 3_000, requestId: body.requestId },
      sponsorToken: { id: made.body.id, scopes: ['read:sec'], usedAt: expect.any(String) },
      distribution: {
        transport: { type: 'http', url: api.config.PUBLIC_URL },
        auth: { preferred: 'api_key', apiKeyHeader: 'x-api-key' },
        clients: { claudeCode: {}, cursor: { config: {} }, generic: {} },
        docs: { gettingStartedUrl: `${api.config.PUBLIC_URL}/docs` },
        bootstrap: { machineBootstrapUrl: `${api.config.PUBLIC_URL}/v1/agent/bootstrap` },
        capabilitiesSummary: { tools: [], resourceTemplates: [] },
      },
    });
    const me = await send(`${api.url}/v1/me`, 'GET', undefined, {
      'x-api-key': body.apiKey.secret as string,
    });
    expect(me.body.principal).toMatchObject({ orgId: acme.orgId, scopes: ['read:sec'] });
  });

  it('works once, also when 200 try at the same moment', async () => {
    const { body } = await newToken();
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => bootstrap(body.secret as string)),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(199);
    const keys = (await acme.call('GET', '/v1/api_keys')).body.data;
    expect(keys).toHaveLength(2);
  });

  it('answers the same 401 to a used, an expired, an unknown token and one whose maker is gone', async () => {
    const used = (await newToken()).body.secret as string;
    await bootstrap(used);
    const expired = (await newToken()).body;
    await api.database.db.query(
      `UPDATE bootstrap_tokens SET expires_at = now() - interval '1 s' WHERE id = $1`,
      [expired.id],
    );
    const manager = await api.newKey(acme.orgId);
    const orphan = (await newToken({}, manager)).body.secret as string;
    await api.database.db.query(
      `UPDATE api_keys SET status = 'revoked' WHERE id = (SELECT max(id) FROM api_keys WHERE org_id = $1)`,
      [acme.orgId],
    );
    for (const token of [used, expired.secret, orphan, 'secapi_boot_x', 'x']) {
      const refused = await bootstrap(token as string);
      expect(refused).toMatchObject({ status: 401, body: { code: 'authentication_failed' } });
    }
  });

  it('hands on only scopes that are held, and keeps the token when it refuses', async () => {
    const manager = await api.newKey(acme.orgId, { scopes: ['keys:manage', 'read:sec'] });
    expect((await newToken({ scopes: ['billing:manage'] }, manager)).status).toBe(403);
    const { body } = await newToken({ scopes: ['read:sec'] });
    const greedy = await bootstrap(body.secret as string, { scopes: ['write:sec'] });
    expect(greedy.body.code).toBe('insufficient_scope');
    expect((await bootstrap(body.secret as string, { scopes: [] })).body.apiKey.scopes).toEqual([]);
    expect((await newToken({ ttlSeconds: 86_401 })).status).toBe(400);
    expect((await newToken({ ttlSeconds: 0 })).status).toBe(400);
  });

  it('counts against the plan’s keys, and keeps the token when there is no room', async () => {
    const small = await api.newTenant({ planKey: 'sandbox_grant' });
    const { body } = await newToken({}, small);
    const refused = await bootstrap(body.secret as string);
    expect(refused.body).toMatchObject({ code: 'plan_limit_reached', details: { limit: 1 } });
    await api.database.db.query(`UPDATE organizations SET api_key_limit = 2 WHERE id = $1`, [
      small.orgId,
    ]);
    expect((await bootstrap(body.secret as string)).status).toBe(201);
  });

  it('gives a test key for the token of a test key', async () => {
    const test = await api.newKey(acme.orgId, { livemode: false });
    const { body } = await newToken({}, test);
    const { apiKey } = (await bootstrap(body.secret as string)).body;
    expect(apiKey.livemode).toBe(false);
    expect(apiKey.secret).toMatch(/^secapi_test_/);
  });
});

import { makeOperatorKey } from '../../cli/admin';
import { send, startApi, type Tenant, type TestApi } from '../support/api';
import { openSocket } from '../support/sockets';

describe('operators', () => {
  let api: TestApi;
  let operator: Tenant;
  let acme: Tenant;
  beforeAll(async () => {
    api = await startApi();
    operator = await api.newTenant({ scopes: ['admin:operator'] });
  });
  beforeEach(async () => {
    acme = await api.newTenant();
  });
  afterAll(() => api.close());
  const pending = async (): Promise<{ id: string; status: string }[]> =>
    (await acme.call('GET', '/v1/deliveries')).body.data;
  const actionsOf = async (tenant: Tenant): Promise<string[]> =>
    (await tenant.call('GET', '/v1/audit/records')).body.data.map(
      (row: { action: string }) => row.action,
    );

  it('get their first key on a bare database from the command line', async () => {
    const secret = await makeOperatorKey(api.database.db, 'first', new Date());
    const again = await makeOperatorKey(api.database.db, 'second', new Date());
    for (const key of [secret, again]) {
      const me = await send(`${api.url}/v1/me`, 'GET', undefined, { 'x-api-key': key });
      expect(me.body.principal.scopes).toContain('admin:operator');
    }
  });

  it('create an organization whose plan is in force at once, with a key and an invited owner', async () => {
    const { status, body } = await operator.call('POST', '/v1/admin/orgs', {
      name: 'Made by hand',
      planKey: 'commercial',
      ownerEmail: 'boss@example.com',
    });
    expect(status).toBe(201);
    const headers = { 'x-api-key': body.apiKey.secret as string };
    const me = await send(`${api.url}/v1/me`, 'GET', undefined, headers);
    expect(me.body.principal).toMatchObject({
      orgId: body.id,
      publicPlanKey: 'commercial',
      billingState: 'commercial_active',
    });
    const invited = await send(`${api.url}/v1/organization/invitations`, 'GET', undefined, headers);
    expect(invited.body.data[0]).toMatchObject({ email: 'boss@example.com', role: 'owner' });
    const audit = await send(`${api.url}/v1/audit/records`, 'GET', undefined, headers);
    expect(audit.body.data[0]).toMatchObject({
      action: 'organization.created',
      actor: { type: 'operator' },
    });
  });

  it('list and search organizations, with cursors of that search alone', async () => {
    for (const name of ['Search 1%', 'Search 2', 'Search 3']) {
      await operator.call('POST', '/v1/admin/orgs', { name });
    }
    const first = (await operator.call('GET', '/v1/admin/orgs?q=search&limit=2')).body;
    expect(first.data.map((org: { name: string }) => org.name)).toEqual(['Search 3', 'Search 2']);
    const cursor = encodeURIComponent(first.nextCursor as string);
    const rest = (await operator.call('GET', `/v1/admin/orgs?q=search&limit=2&cursor=${cursor}`))
      .body;
    expect(rest).toMatchObject({ hasMore: false, data: [{ name: 'Search 1%' }] });
    expect((await operator.call('GET', `/v1/admin/orgs?cursor=${cursor}`)).body.code).toBe(
      'invalid_cursor',
    );
    const literal = (await operator.call('GET', '/v1/admin/orgs?q=1%25')).body;
    expect(literal.data).toHaveLength(1);
    const byId = (await operator.call('GET', `/v1/admin/orgs?q=${acme.orgId}`)).body;
    expect(byId.data).toHaveLength(1);
  });

  it('are shown an organization as a whole, without any secret', async () => {
    const stream = await acme.call('POST', '/v1/stream_subscriptions', {
      eventTypes: ['filing.*'],
    });
    const endpoint = await acme.call('POST', '/v1/webhook_endpoints', {
      destinationUrl: 'http://127.0.0.1:1/',
    });
    const socket = await openSocket(api, acme, { streamId: stream.body.id });
    await acme.call('POST', '/v1/events', { type: 'filing.published', data: {} });
    const { status, body, text } = await operator.call('GET', `/v1/admin/orgs/${acme.orgId}`);
    await socket.leave();
    expect(status).toBe(200);
    expect(body).toMatchObject({
      object: 'admin_organization',
      organization: { id: acme.orgId, planKey: 'team' },
      apiKeys: [{ object: 'api_key', status: 'active' }],
      billing: { object: 'billing_account', effectivePlanKey: 'team' },
      webhooks: [{ id: endpoint.body.id }],
      streams: {
        subscriptions: [{ id: stream.body.id, transport: 'poll' }],
        openSockets: 1,
        usage: [{ streamId: stream.body.id, eventType: 'filing.published', count: 1 }],
      },
      deliveries: { pending: 1 },
    });
    expect(body.events[0].type).toBe('filing.published');
    expect(text).not.toMatch(/whsec_|secapi_live_[0-9A-Za-z]{30}/);
    const missing = await operator.call('GET', `/v1/admin/orgs/org_${'0'.repeat(32)}`);
    expect(missing.status).toBe(404);
  });

  it('look into an organization’s requests and deliveries, and how the server is doing', async () => {
    await acme.call(
      'POST',
      '/v1/events',
      { type: 'filing.published', data: {} },
      { 'x-request-id': 'looked-at' },
    );
    const path = `/v1/admin/orgs/${acme.orgId}`;
    const told = await operator.call('GET', `${path}/requests/looked-at?explain=true`);
    expect(told.body).toMatchObject({ object: 'request_diagnostics', orgId: acme.orgId });
    expect(told.body.story.length).toBeGreaterThan(0);
    expect((await operator.call('GET', `${path}/requests/never`)).status).toBe(404);
    const summary = await operator.call('GET', `${path}/deliveries/summary`);
    expect(summary.body).toMatchObject({ object: 'delivery_summary', orgId: acme.orgId });
    const { body, text } = await operator.call('GET', '/v1/observability');
    expect(body).toMatchObject({
      object: 'observability_config',
      service: 'secapi-api',
      providers: { sentryConfigured: false, otlpConfigured: false },
      health: { deliveries: { pending: 1 }, outboxAgeSeconds: expect.any(Number) },
    });
    expect(text).not.toMatch(/secapi_live_[0-9A-Za-z]{30}|whsec_|postgres:\/\//);
    const exported = (await operator.call('GET', '/v1/observability/export?limit=2')).body;
    expect(exported).toMatchObject({
      object: 'observability_export',
      config: { service: 'secapi-api' },
    });
    expect(exported.recentEvents.length).toBeLessThanOrEqual(2);
    const sla = (await acme.call('GET', '/v1/diagnostics/sla')).body;
    expect(sla).toMatchObject({ object: 'sla_report', promised: 0.999, kept: 1, deliveries: 0 });
    expect((await acme.call('GET', '/v1/diagnostics/sla?since=tomorrow')).status).toBe(400);
  });

  it('suspend and resume: reads stay, what is published waits and is due when resumed', async () => {
    await acme.call('POST', '/v1/webhook_endpoints', { destinationUrl: 'http://127.0.0.1:1/' });
    const path = `/v1/admin/orgs/${acme.orgId}`;
    const suspended = await operator.call('POST', `${path}/suspend`, { reason: 'abuse' });
    expect(suspended.body).toMatchObject({ billingState: 'restricted_read_only' });
    expect((await operator.call('POST', `${path}/suspend`)).body.suspendedAt).toBe(
      suspended.body.suspendedAt,
    );
    const me = await acme.call('GET', '/v1/me');
    expect(me.body.principal.billingState).toBe('restricted_read_only');
    expect(me.headers.get('secapi-billing-state')).toBe('restricted_read_only');
    const event = { type: 'filing.published', data: {} };
    expect((await acme.call('POST', '/v1/events', event)).body.deliveries).toBe(1);
    const [waiting] = await pending();
    expect(waiting?.status).toBe('pending');
    const resumed = await operator.call('POST', `${path}/resume`);
    expect(resumed.body).toMatchObject({ suspendedAt: null, billingState: 'team_active' });
    await operator.call('POST', `${path}/resume`);
    expect((await actionsOf(acme)).filter((action) => action.startsWith('organization.'))).toEqual([
      'organization.resumed',
      'organization.suspended',
    ]);
  });

  it('override limits and give the plan’s back with null', async () => {
    const path = `/v1/admin/orgs/${acme.orgId}/limits`;
    const set = await operator.call('PUT', path, { requestsPerMinute: 7, apiKeys: 1, seats: 2 });
    expect(set.body.limits).toEqual({ requestsPerMinute: 7, apiKeys: 1, seats: 2 });
    expect((await acme.call('POST', '/v1/api_keys', {})).body.details.limit).toBe(1);
    expect((await acme.call('GET', '/v1/me')).headers.get('ratelimit-limit')).toBe('7');
    const back = await operator.call('PUT', path, { requestsPerMinute: null, apiKeys: null });
    expect(back.body.limits).toEqual({ requestsPerMinute: null, apiKeys: null, seats: 2 });
    expect((await operator.call('PUT', path, { planKey: 'imaginary' })).status).toBe(400);
    expect((await operator.call('PUT', path, { seats: 0 })).status).toBe(400);
    const [last] = (await acme.call('GET', '/v1/audit/records')).body.data;
    expect(last).toMatchObject({
      action: 'organization.limits_set',
      actor: { type: 'operator', id: expect.stringMatching(/^key_/) },
      before: { requestsPerMinute: 7, apiKeys: 1, seats: 2, planKey: 'team' },
      after: { requestsPerMinute: null, apiKeys: null, seats: 2, planKey: 'team' },
      ip: '127.0.0.1',
    });
  });

  it('are the only ones: everybody else is told the scope', async () => {
    for (const [method, path] of [
      ['GET', '/v1/admin/orgs'],
      ['POST', `/v1/admin/orgs/${acme.orgId}/suspend`],
      ['PUT', `/v1/admin/orgs/${acme.orgId}/limits`],
    ] as const) {
      const refused = await acme.call(method, path, method === 'GET' ? undefined : {});
      expect(refused.body).toMatchObject({
        code: 'insufficient_scope',
        details: { required: ['admin:operator'] },
      });
    }
    const missing = await operator.call('POST', `/v1/admin/orgs/org_${'0'.repeat(32)}/suspend`);
    expect(missing.status).toBe(404);
  });
});

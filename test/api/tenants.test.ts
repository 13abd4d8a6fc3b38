import { operations } from '../../api/operations';
import type { AnyOperation } from '../../api/http/operation';
import { SCOPES, type Scope } from '../../entities/api-key';
import { startApi, type Answer, type Tenant, type TestApi } from '../support/api';
import { tokenFor } from '../support/invitations';
import { send } from '../support/api';

/** Bodies with which an operation gets past validation, where {} doesn't. A new operation may have to be added. */
const BODIES: Record<string, object> = {
  publishEvent: { type: 'filing.published', data: {} },
  createEndpoint: { destinationUrl: 'http://127.0.0.1:1/' },
  createWebhookEndpoint: { destinationUrl: 'http://127.0.0.1:1/' },
  inviteMembers: { emails: ['walk@example.com'] },
  changeRole: { role: 'member' },
  createOrganization: { name: 'walked' },
  authorizeUsage: { meterClass: 'light_read', idempotencyKey: 'walk' },
  reportUsage: {
    events: [
      { id: 'walk', meterClass: 'light_read', units: 1, occurredAt: new Date().toISOString() },
    ],
  },
  quoteUsage: { meterClass: 'light_read' },
  recoverEndpoint: { since: '2026-01-01' },
  createArtifact: { kind: 'json_bundle' },
};

const FIXED = {
  'x-request-id': 'walk',
  traceparent: '00-11111111111111111111111111111111-2222222222222222-00',
};
const guarded = operations.filter(({ scope }) => scope !== 'public');
const named = operations.map((operation) => [operation.name, operation] as const);
const paramsOf = ({ path }: AnyOperation): string[] =>
  [...path.matchAll(/:(\w+)/g)].map(([, name]) => name ?? '');
const withIds = guarded.filter(
  (operation) => paramsOf(operation).length > 0 && operation.scope !== 'admin:operator',
);

describe('every operation of the whole API', () => {
  let api: TestApi;
  let owner: Tenant;
  let stranger: Tenant;
  /** By the name of a path parameter: what the owner has, live. */
  let ids: Record<string, string>;
  beforeAll(async () => {
    api = await startApi();
    owner = await api.newTenant();
    stranger = await api.newTenant();
    ids = await thingsOf(api, owner);
    ids['orgId'] = owner.orgId;
  });
  afterAll(() => api.close());

  const call = (
    tenant: Tenant,
    operation: AnyOperation,
    known: Record<string, string>,
  ): Promise<Answer> => {
    const path = operation.path.replace(/:(\w+)/g, (_, name: string) => {
      const id = known[name];
      if (id === undefined) throw new Error(`the walk knows no ${name}: add one to thingsOf`);
      return id;
    });
    const hasBody = ['post', 'put', 'patch'].includes(operation.method);
    const body = hasBody ? (BODIES[operation.name] ?? {}) : undefined;
    return tenant.call(operation.method, path, body, FIXED);
  };
  const neverWere = (): Record<string, string> =>
    Object.fromEntries(
      Object.entries(ids).map(([name, id]) => [
        name,
        `${id.slice(0, id.indexOf('_'))}_${'0'.repeat(32)}`,
      ]),
    );

  it.each(withIds.map((operation) => [operation.name, operation] as const))(
    '%s answers not_found for another organization’s ids, byte for byte like ids that never existed',
    async (_name, operation) => {
      const foreign = await call(stranger, operation, ids);
      const unknown = await call(stranger, operation, neverWere());
      expect(foreign.status).toBe(404);
      expect(foreign.body.code).toBe('not_found');
      expect(foreign.text).toBe(unknown.text);
    },
  );

  it.each(withIds.map((operation) => [operation.name, operation] as const))(
    '%s keeps live objects out of a test key’s sight',
    async (name, operation) => {
      const test = await api.newKey(owner.orgId, { livemode: false });
      const answer = await call(test, operation, ids);
      // People have no mode: a test key may not change them, and is told so.
      const ofPeople = /member|invitation|Role/i.test(name);
      expect(answer.status).toBe(ofPeople ? 403 : 404);
    },
  );

  it.each(guarded.map((operation) => [operation.name, operation] as const))(
    '%s is refused to a key without its scope, a revoked key and no key',
    async (_name, operation) => {
      const needed = [operation.scope].flat() as (Scope | 'any')[];
      const others = SCOPES.filter((scope) => !needed.includes(scope));
      if (!needed.includes('any')) {
        const lacking = await call(
          await api.newKey(owner.orgId, { scopes: others }),
          operation,
          ids,
        );
        expect(lacking.body).toMatchObject({
          code: 'insufficient_scope',
          details: { required: needed },
        });
      }
      const revoked = await api.newKey(owner.orgId, { scopes: SCOPES });
      await api.database.db.query(
        `UPDATE api_keys SET status = 'revoked' WHERE id = (SELECT max(id) FROM api_keys WHERE org_id = $1)`,
        [owner.orgId],
      );
      expect((await call(revoked, operation, ids)).body.code).toBe('authentication_failed');
      const bare = {
        ...revoked,
        call: (method: string, path: string, body?: unknown) => send(api.url + path, method, body),
      };
      expect((await call(bare, operation, ids)).body.code).toBe('missing_api_key');
    },
  );

  it.each(named)('%s declares a summary, a tag and a path of its own', (name, operation) => {
    expect(operation.summary).toMatch(/^[A-Z].{10,}/);
    expect(operation.tag).toMatch(/^[a-z ]+$/);
    const same = operations.filter(
      ({ method, path }) => method === operation.method && path === operation.path,
    );
    expect(same.map((other) => other.name)).toEqual([name]);
  });
});

/** One of everything that has an id, live, in the tenant's organization. */
async function thingsOf(api: TestApi, tenant: Tenant): Promise<Record<string, string>> {
  const post = async (path: string, body: object) => (await tenant.call('POST', path, body)).body;
  const endpoint = await post('/v1/webhook_endpoints', { destinationUrl: 'http://127.0.0.1:1/' });
  const event = await post('/v1/events', { type: 'filing.published', data: {} });
  const deliveries = (await tenant.call('GET', '/v1/deliveries')).body.data;
  const recovery = await post(`/v1/webhook_endpoints/${endpoint.id}/recover`, {
    since: '2026-01-01',
  });
  const key = await post('/v1/api_keys', { livemode: true });
  await post('/v1/organization/invitations', {
    emails: ['first@example.com', 'pending@example.com'],
  });
  const token = await tokenFor(api, 'first@example.com');
  const member = await send(`${api.url}/v1/invitations/accept`, 'POST', { token });
  const invitations = (await tenant.call('GET', '/v1/organization/invitations')).body.data;
  const charge = await post('/v1/usage/authorize', {
    meterClass: 'heavy_extract',
    idempotencyKey: 'thing',
    reserveSeconds: 3_600,
  });
  const artifact = await post('/v1/artifacts', { kind: 'json_bundle' });
  await tenant.call('PUT', '/v1/billing/budget', { approvalThresholdCents: 0 });
  const approval = await post('/v1/billing/budget/approvals', {});
  return {
    webhookId: endpoint.id,
    deliveryId: deliveries[0].id,
    recoveryId: recovery.id,
    apiKeyId: key.id,
    userId: member.body.id,
    invitationId: invitations.find((row: { status: string }) => row.status === 'pending').id,
    chargeId: charge.chargeId,
    approvalId: approval.id,
    streamId: (await post('/v1/stream_subscriptions', {})).id,
    artifactId: artifact.id,
    requestId: event.requestId,
  };
}

import { createHmac, createPublicKey } from 'node:crypto';
import { send, startApi, type Answer, type Tenant, type TestApi } from '../support/api';
import { startIdentityProvider, type IdentityProvider } from '../support/identity-provider';
import { tokenFor } from '../support/invitations';
import { until } from '../support/until';

const AUDIENCE = 'https://api.example';

describe('people signing in with OpenID Connect', () => {
  let provider: IdentityProvider;
  let api: TestApi;
  let acme: Tenant;
  beforeAll(async () => {
    provider = await startIdentityProvider();
    api = await startApi({ OIDC_ISSUER: provider.issuer, OIDC_AUDIENCE: AUDIENCE });
    acme = await api.newTenant();
    await join(acme, 'owner@example.com');
    await join(acme, 'ada@example.com', 'member');
  });
  afterAll(async () => {
    await api.close();
    await provider.close();
  });

  async function join(tenant: Tenant, email: string, role = 'member'): Promise<string> {
    await tenant.call('POST', '/v1/organization/invitations', { emails: [email], role });
    const token = await tokenFor(api, email);
    return (await send(`${api.url}/v1/invitations/accept`, 'POST', { token })).body.id as string;
  }
  const claimsOf = (email: string) => ({
    sub: `sub-${email}`,
    aud: AUDIENCE,
    email,
    email_verified: true,
  });
  const withToken = (token: string, method = 'GET', path = '/v1/me', body?: unknown, more = {}) =>
    send(api.url + path, method, body, { authorization: `Bearer ${token}`, ...more });
  const signedIn = async (
    email: string,
    method?: string,
    path?: string,
    body?: unknown,
    more = {},
  ) => withToken(await provider.token(claimsOf(email)), method, path, body, more);

  it('are one person under two addresses, where the provider names one subject', async () => {
    const accept = async (email: string, inviter: Tenant): Promise<Answer> => {
      await inviter.call('POST', '/v1/organization/invitations', { emails: [email] });
      const token = await tokenFor(api, email);
      const session = await provider.token({ ...claimsOf(email), sub: 'moved' });
      return withToken(session, 'POST', '/v1/invitations/accept', { token });
    };
    const [first, second, third] = [await api.newTenant(), await api.newTenant(), acme];
    const old = await accept('old@example.com', first);
    const renamed = await accept('new@example.com', second);
    expect(renamed).toMatchObject({ status: 200, body: { id: old.body.id, orgId: second.orgId } });
    await join(third, 'elsewhere@example.com');
    expect((await accept('elsewhere@example.com', second)).status).toBe(200);
    const both = await Promise.all([
      accept('one@example.com', first),
      accept('two@example.com', second),
    ]);
    expect(both.map(({ status }) => status)).toEqual([200, 200]);
  });

  it('speak for the organization they are a member of, live, with their role’s scopes', async () => {
    const { body } = await signedIn('Ada@Example.com');
    expect(body.principal).toMatchObject({
      principalId: expect.stringMatching(/^usr_/),
      subject: 'sub-Ada@Example.com',
      orgId: acme.orgId,
      authMode: 'bearer',
      livemode: true,
    });
    expect(body.principal.scopes).toContain('read:sec');
    expect(body.principal.scopes).not.toContain('members:manage');
    expect((await signedIn('ada@example.com', 'GET', '/v1/organization/members')).status).toBe(403);
    const people = await signedIn('owner@example.com', 'GET', '/v1/organization/members');
    expect(people.status).toBe(200);
  });

  it('choose among their organizations by a header, and are nobody in any other', async () => {
    const second = await api.newTenant();
    await join(second, 'ada@example.com');
    const chosen = { 'secapi-organization': second.orgId };
    const there = await signedIn('ada@example.com', 'GET', '/v1/me', undefined, chosen);
    expect(there.body.principal.orgId).toBe(second.orgId);
    const third = await api.newTenant();
    const foreign = { 'secapi-organization': third.orgId };
    expect((await signedIn('ada@example.com', 'GET', '/v1/me', undefined, foreign)).status).toBe(
      401,
    );
  });

  it('are told the same 401 for every token that isn’t valid, with where to get one', async () => {
    const now = Math.floor(Date.now() / 1_000);
    const good = claimsOf('ada@example.com');
    const [head, payload] = (await provider.token(good)).split('.') as [string, string];
    const unsigned = Buffer.from('{"alg":"none"}').toString('base64url');
    const pem = createPublicKey({ key: provider.publicJwk, format: 'jwk' })
      .export({ type: 'spki', format: 'pem' })
      .toString();
    const symmetric = Buffer.from('{"alg":"HS256","kid":"one"}').toString('base64url');
    const mac = createHmac('sha256', pem).update(`${symmetric}.${payload}`).digest('base64url');
    const stranger = await startIdentityProvider();
    const forged = await stranger.token({ ...good, iss: provider.issuer });
    await stranger.close();
    const tokens: Record<string, string> = {
      expired: await provider.token({ ...good, exp: now - 120 }),
      'not yet valid': await provider.token({ ...good, nbf: now + 300 }),
      'of another audience': await provider.token({ ...good, aud: 'https://other.example' }),
      'of another issuer': await provider.token({ ...good, iss: 'https://evil.example' }),
      forged,
      'without a signature': `${unsigned}.${payload}.`,
      'HS256 with the public key': `${symmetric}.${payload}.${mac}`,
      'cut short': `${head}.${payload}`,
      rubbish: 'rubbish',
      'of a stranger to the organization': await provider.token(claimsOf('nobody@example.com')),
      'with an address nobody verified': await provider.token({
        ...claimsOf('ada@example.com'),
        sub: 'another',
        email_verified: false,
      }),
    };
    const answers = new Map<string, Answer>();
    for (const [kind, token] of Object.entries(tokens)) answers.set(kind, await withToken(token));
    const bodies = [...answers.values()].map(({ status, body }) => {
      const { id: _id, requestId: _requestId, traceparent: _trace, ...rest } = body;
      return { status, rest };
    });
    for (const body of bodies) expect(body).toEqual(bodies[0]);
    expect(bodies[0]).toMatchObject({ status: 401, rest: { code: 'authentication_failed' } });
    expect(answers.get('forged')?.headers.get('www-authenticate')).toBe(
      `Bearer resource_metadata="${api.config.PUBLIC_URL}/.well-known/oauth-protected-resource"`,
    );
  });

  it('go on when the provider changes its keys', async () => {
    await provider.rotate();
    await until(
      () => signedIn('ada@example.com'),
      ({ status }) => status === 200,
    );
  });

  it('are nobody from the moment they are removed', async () => {
    const id = await join(acme, 'leaving@example.com');
    const token = await provider.token(claimsOf('leaving@example.com'));
    expect((await withToken(token)).status).toBe(200);
    await signedIn('owner@example.com', 'DELETE', `/v1/organization/members/${id}`);
    expect((await withToken(token)).status).toBe(401);
  });

  it('make and unmake owners only as an owner, and never the last', async () => {
    const members = (await acme.call('GET', '/v1/organization/members')).body.data;
    const idOf = (email: string): string =>
      members.find((row: { email: string }) => row.email === email).id as string;
    const owner = `/v1/organization/members/${idOf('owner@example.com')}`;
    const ada = `/v1/organization/members/${idOf('ada@example.com')}`;
    const last = await signedIn('owner@example.com', 'DELETE', owner);
    expect(last).toMatchObject({ status: 409, body: { code: 'conflict' } });
    expect((await signedIn('owner@example.com', 'PATCH', owner, { role: 'member' })).status).toBe(
      409,
    );
    expect((await signedIn('owner@example.com', 'PATCH', ada, { role: 'owner' })).status).toBe(200);
    expect((await signedIn('ada@example.com', 'PATCH', owner, { role: 'member' })).status).toBe(
      200,
    );
    expect((await signedIn('ada@example.com', 'PATCH', owner, { role: 'owner' })).status).toBe(200);
  });

  it('accept an invitation signed in, only as the invited address', async () => {
    await acme.call('POST', '/v1/organization/invitations', { emails: ['new@example.com'] });
    const token = await tokenFor(api, 'new@example.com');
    const path = '/v1/invitations/accept';
    const other = await signedIn('ada@example.com', 'POST', path, { token });
    expect(other).toMatchObject({ status: 403, body: { code: 'insufficient_scope' } });
    const joined = await signedIn('NEW@example.com', 'POST', path, { token });
    expect(joined.body).toMatchObject({ object: 'member', email: 'new@example.com' });
  });

  it('leave a user as the audit record’s actor', async () => {
    const made = await signedIn('owner@example.com', 'POST', '/v1/api_keys', { label: 'by hand' });
    expect(made.status).toBe(201);
    const [record] = (await acme.call('GET', '/v1/audit/records?limit=1')).body.data;
    expect(record.actor).toEqual({ type: 'user', id: expect.stringMatching(/^usr_/) });
  });

  it('find the issuer in the well-known documents', async () => {
    const resource = await send(`${api.url}/.well-known/oauth-protected-resource`, 'GET');
    expect(resource.body).toMatchObject({
      resource: api.config.PUBLIC_URL,
      authorization_servers: [provider.issuer],
      bearer_methods_supported: ['header'],
    });
    const server = await send(`${api.url}/.well-known/oauth-authorization-server`, 'GET');
    expect(server.body).toMatchObject({
      issuer: provider.issuer,
      jwks_uri: expect.stringContaining(provider.issuer),
    });
  });
});

describe('a server without an identity provider', () => {
  it('says so, and takes no bearer token but keys', async () => {
    const api = await startApi();
    const tenant = await api.newTenant();
    const server = await send(`${api.url}/.well-known/oauth-authorization-server`, 'GET');
    expect(server).toMatchObject({ status: 404, body: { code: 'not_configured' } });
    const bearer = { authorization: 'Bearer eyJhbGciOiJub25lIn0.e30.' };
    expect((await send(`${api.url}/v1/me`, 'GET', undefined, bearer)).status).toBe(401);
    const key = { authorization: `Bearer ${tenant.key}` };
    expect((await send(`${api.url}/v1/me`, 'GET', undefined, key)).status).toBe(200);
    await api.close();
  });

  it('answers 503 with Retry-After while a configured one is away, and keys still work', async () => {
    const api = await startApi({ OIDC_ISSUER: 'http://127.0.0.1:9' });
    const tenant = await api.newTenant();
    const bearer = { authorization: 'Bearer eyJhbGciOiJSUzI1NiJ9.e30.AAAA' };
    const away = await send(`${api.url}/v1/me`, 'GET', undefined, bearer);
    expect(away).toMatchObject({ status: 503, body: { code: 'dependency_unavailable' } });
    expect(Number(away.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await tenant.call('GET', '/v1/me')).status).toBe(200);
    await api.close();
  });
});

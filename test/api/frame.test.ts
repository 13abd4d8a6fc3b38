import { connect } from 'node:net';
import { isKeySecret } from '../../entities/api-key';
import { send, startApi, type Tenant, type TestApi } from '../support/api';

const EVENT = { type: 'filing.published', data: { n: 1 } };

describe('the frame around every operation', () => {
  let api: TestApi;
  let tenant: Tenant;
  beforeAll(async () => {
    api = await startApi();
    tenant = await api.newTenant();
  });
  afterAll(() => api.close());

  describe('naming a request', () => {
    it('echoes a well-formed x-request-id and mints one otherwise', async () => {
      const echoed = await tenant.call('get', '/v1/me', undefined, { 'x-request-id': 'abc_1-2' });
      expect(echoed.headers.get('request-id')).toBe('abc_1-2');
      expect(echoed.body.requestId).toBe('abc_1-2');
      const minted = await tenant.call('get', '/v1/me', undefined, { 'x-request-id': 'no spaces' });
      expect(minted.body.requestId).toMatch(/^req_[0-9a-f]{32}$/);
    });

    it('answers the contract’s headers', async () => {
      const { headers } = await tenant.call('get', '/v1/me');
      expect(Object.fromEntries(headers)).toMatchObject({
        'secapi-version': '2026-03-19',
        'secapi-meter-class': 'control_plane',
        'secapi-plan-key': 'team',
        'secapi-billing-state': 'team_active',
        'secapi-estimated-cost': '$0.0000',
        'secapi-free-grant-remaining': '0',
        'secapi-budget-used': '0',
        'secapi-maturity': 'stable',
      });
      expect(headers.get('traceparent')).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/);
      expect(headers.get('access-control-allow-origin')).toBeNull();
    });

    it('keeps the caller’s traceparent for its answer alone while traces are off', async () => {
      const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
      const { headers } = await tenant.call('post', '/v1/events', EVENT, { traceparent });
      expect(headers.get('traceparent')).toBe(traceparent);
      await tenant.call('post', '/v1/artifacts', { kind: 'json_bundle' }, { traceparent });
      for (const table of ['events', 'outbox']) {
        const rows = await api.database.db.query<{ traceparent: string | null }[]>(
          `SELECT DISTINCT traceparent FROM ${table}`,
        );
        expect(rows).toEqual([{ traceparent: null }]);
      }
    });

    it('refuses a version that does not exist', async () => {
      const answer = await tenant.call('get', '/v1/me', undefined, {
        'secapi-version': '2020-01-01',
      });
      expect(answer).toMatchObject({ status: 400, body: { code: 'unsupported_version' } });
    });
  });

  describe('telling who calls', () => {
    it('takes the key in either header', async () => {
      const bearer = await send(`${api.url}/v1/me`, 'get', undefined, {
        authorization: `Bearer ${tenant.key}`,
      });
      expect(bearer.body.principal).toMatchObject({ orgId: tenant.orgId, livemode: true });
    });

    it('answers missing_api_key without one, and the same authentication_failed for every bad one', async () => {
      const missing = await send(`${api.url}/v1/me`, 'get');
      expect(missing).toMatchObject({ status: 401, body: { code: 'missing_api_key' } });
      const revoked = await api.newKey(tenant.orgId);
      const me = await revoked.call('get', '/v1/me');
      await tenant.call('delete', `/v1/api_keys/${me.body.principal.principalId}`);
      const unknown = `${tenant.key.slice(0, -8)}AAAAAAAA`;
      expect(isKeySecret(unknown)).toBe(false);
      for (const key of [unknown, 'nonsense', revoked.key]) {
        const { status, body } = await send(`${api.url}/v1/me`, 'get', undefined, {
          'x-api-key': key,
        });
        expect(status).toBe(401);
        expect({ ...body, id: '', requestId: '', traceparent: '' }).toEqual({
          object: 'error',
          id: '',
          code: 'authentication_failed',
          type: 'authentication_error',
          message: 'The credentials are not valid.',
          hint: expect.any(String),
          requestId: '',
          traceparent: '',
          docsUrl: expect.stringContaining('/docs#error-authentication_failed'),
          details: {},
        });
      }
    });

    it('tells an unknown path and a wrong method before it asks for a key', async () => {
      expect(await send(`${api.url}/v1/nothing`, 'get')).toMatchObject({ status: 404 });
      const wrong = await send(`${api.url}/v1/events`, 'put', {});
      expect(wrong).toMatchObject({ status: 405, body: { code: 'method_not_allowed' } });
      expect(wrong.headers.get('allow')).toContain('POST');
    });

    it('names the scope that a key lacks', async () => {
      const reader = await api.newKey(tenant.orgId, { scopes: ['read:sec'] });
      const answer = await reader.call('post', '/v1/events', EVENT);
      expect(answer).toMatchObject({
        status: 403,
        body: { code: 'insufficient_scope', details: { required: ['events:publish'] } },
      });
    });
  });

  describe('reading a body', () => {
    const post = (body: string, headers = {}) => tenant.call('post', '/v1/events', body, headers);

    it.each([
      ['what is not JSON', '{"type":', 'invalid_json'],
      [
        'JSON nested 1,000 deep',
        `{"data":${'['.repeat(1_000)}${']'.repeat(1_000)}}`,
        'invalid_json',
      ],
      ['what is not an object', '[1]', 'invalid_request'],
    ])('refuses %s', async (_what, body, code) => {
      expect(await post(body)).toMatchObject({ status: 400, body: { code } });
    });

    it('refuses bytes that are not UTF-8', async () => {
      const response = await fetch(`${api.url}/v1/events`, {
        method: 'POST',
        headers: { 'x-api-key': tenant.key, 'content-type': 'application/json' },
        body: Buffer.from([0x7b, 0xff, 0x7d]),
      });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: 'invalid_json' });
    });

    it.each([
      ['another charset', { 'content-type': 'application/json; charset=utf-16' }],
      ['another media type', { 'content-type': 'text/xml' }],
      ['a content encoding', { 'content-encoding': 'gzip' }],
    ])('refuses %s with 415', async (_what, headers) => {
      expect(await post('{}', headers)).toMatchObject({
        status: 415,
        body: { code: 'unsupported_media_type' },
      });
    });

    it('refuses more than 1 MiB with 413', async () => {
      const answer = await post(`{"pad":"${'x'.repeat(1_048_576)}"}`);
      expect(answer).toMatchObject({ status: 413, body: { code: 'payload_too_large' } });
    });

    it('takes a POST without a body for {}', async () => {
      const answer = await tenant.call('post', '/v1/api_keys');
      expect(answer).toMatchObject({
        status: 201,
        body: { scopes: ['read:sec'], livemode: false },
      });
    });

    it('lists every issue with its path', async () => {
      const answer = await tenant.call('post', '/v1/webhook_endpoints', {
        destinationUrl: 7,
        livemode: 'yes',
      });
      expect(answer.body.code).toBe('invalid_request');
      const paths = answer.body.details.issues.map((issue: { path: string }) => issue.path);
      expect(paths.sort()).toEqual(['destinationUrl', 'livemode']);
    });

    it('ignores unknown fields and names them', async () => {
      const answer = await tenant.call('post', '/v1/events', { ...EVENT, tpye: 1, 'ü x': 2 });
      expect(answer.status).toBe(202);
      expect(answer.headers.get('secapi-ignored-fields')).toBe('tpye, ??x');
    });

    it('refuses a NUL character where text is kept', async () => {
      const answer = await tenant.call('post', '/v1/api_keys', { label: 'a\u0000b' });
      expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    });
  });

  it('answers 431 to headers of 100 KB', async () => {
    const { port, hostname } = new URL(api.url);
    const text = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), hostname);
      let got = '';
      socket.on('data', (chunk) => (got += String(chunk)));
      socket.on('close', () => resolve(got));
      socket.on('error', () => resolve(got));
      socket.setTimeout(5_000, () => reject(new Error('no answer')));
      socket.write(`GET /v1/me HTTP/1.1\r\nHost: x\r\nX-Pad: ${'x'.repeat(100_000)}\r\n\r\n`);
    });
    expect(text).toContain('HTTP/1.1 431');
    for (const header of ['Request-Id: req_', 'SECAPI-Version: 2026-03-19', 'traceparent: 00-']) {
      expect(text).toContain(header);
    }
    expect(text).toContain('"headers_too_large"');
  });

  describe('paging a list', () => {
    it('walks every row once, newest first', async () => {
      const fresh = await api.newTenant({ planKey: 'commercial' });
      for (let i = 0; i < 4; i++) await fresh.call('post', '/v1/api_keys', { label: `k${i}` });
      const labels: string[] = [];
      let cursor = '';
      do {
        const page = await fresh.call('get', `/v1/api_keys?limit=2${cursor}`);
        labels.push(...page.body.data.map((key: { label: string }) => key.label));
        cursor = page.body.nextCursor ? `&cursor=${page.body.nextCursor}` : '';
        expect(page.body.hasMore).toBe(cursor !== '');
      } while (cursor !== '');
      expect(labels).toEqual(['k3', 'k2', 'k1', 'k0', null]);
    });

    it('refuses a cursor that was tampered with, of another list, or of another organization', async () => {
      const [one, other] = [await api.newTenant(), await api.newTenant()];
      for (const who of [one, other]) await who.call('post', '/v1/api_keys');
      const { body } = await one.call('get', '/v1/api_keys?limit=1');
      const cursor = body.nextCursor as string;
      const changed = cursor.slice(0, -1) + (cursor.endsWith('A') ? 'B' : 'A');
      const tries = [
        one.call('get', `/v1/api_keys?cursor=${changed}`),
        one.call('get', `/v1/webhook_endpoints?cursor=${cursor}`),
        other.call('get', `/v1/api_keys?cursor=${cursor}`),
        one.call('get', '/v1/api_keys?cursor=nonsense'),
      ];
      for (const answer of await Promise.all(tries)) {
        expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_cursor' } });
      }
    });

    it('clamps a limit over 200 and refuses one that is no positive whole number', async () => {
      expect((await tenant.call('get', '/v1/api_keys?limit=100000')).status).toBe(200);
      for (const limit of ['0', '-1', 'abc', '1.5', '']) {
        const answer = await tenant.call('get', `/v1/api_keys?limit=${limit}`);
        expect(answer.body.details.issues[0].path).toBe('limit');
      }
    });
  });

  describe('an idempotency key', () => {
    const keyed = (key: string, body: unknown) =>
      tenant.call('post', '/v1/api_keys', body, { 'idempotency-key': key });

    it('replays the first answer, byte for byte, secret and all', async () => {
      const fresh = await api.newTenant();
      const send = () =>
        fresh.call('post', '/v1/api_keys', { label: 'once' }, { 'idempotency-key': 'a' });
      const [first, second] = [await send(), await send()];
      expect(second.text).toBe(first.text);
      expect(second.headers.get('idempotency-replayed')).toBe('true');
      expect(first.headers.get('idempotency-replayed')).toBeNull();
      const list = await fresh.call('get', '/v1/api_keys');
      expect(list.body.data).toHaveLength(2);
    });

    it('refuses another body under the same key', async () => {
      await keyed('b', { label: 'one' });
      expect(await keyed('b', { label: 'two' })).toMatchObject({
        status: 422,
        body: { code: 'idempotency_key_reused' },
      });
    });

    it('does the work once for twenty requests at the same moment', async () => {
      const fresh = await api.newTenant();
      const answers = await Promise.all(
        Array.from({ length: 20 }, () =>
          fresh.call('post', '/v1/events', EVENT, { 'idempotency-key': 'c' }),
        ),
      );
      const statuses = new Set(answers.map((answer) => answer.status));
      expect([...statuses].every((status) => status === 202 || status === 409)).toBe(true);
      const [{ count }] = await api.database.db.query(
        'SELECT count(*)::int FROM events WHERE org_id = $1',
        [fresh.orgId],
      );
      expect(count).toBe(1);
    });

    it('keeps a refusal, and is not claimed by a request that does not validate', async () => {
      const bad = await keyed('d', { label: 7 });
      expect(bad.status).toBe(400);
      expect((await keyed('d', { label: 'mended' })).status).toBe(201);
    });

    it('holds though the answer to the commit was lost', async () => {
      const fresh = await api.newTenant();
      const { db } = api.database;
      const send = () =>
        fresh.call('post', '/v1/api_keys', { label: 'once' }, { 'idempotency-key': 'lost' });
      const real = db.transaction.bind(db) as (act: unknown) => Promise<unknown>;
      const commit = jest.spyOn(db, 'transaction').mockImplementationOnce(async (act: unknown) => {
        await real(act);
        throw new Error('Connection terminated unexpectedly');
      });
      expect((await send()).status).toBe(503);
      commit.mockRestore();
      const again = await send();
      expect(again.status).toBe(201);
      expect(again.headers.get('idempotency-replayed')).toBe('true');
      expect((await fresh.call('get', '/v1/api_keys')).body.data).toHaveLength(2);
    });

    it('lets a request that outlived its claim change nothing beside its successor', async () => {
      const fresh = await api.newTenant();
      const { db } = api.database;
      const real = db.transaction.bind(db) as (act: unknown) => Promise<unknown>;
      const late = jest.spyOn(db, 'transaction').mockImplementationOnce(async (act: unknown) => {
        await db.query(
          `UPDATE idempotency_keys SET claim_id = gen_random_uuid() WHERE key = 'late'`,
        );
        return real(act);
      });
      const headers = { 'idempotency-key': 'late' };
      const answer = await fresh.call('post', '/v1/api_keys', { label: 'late' }, headers);
      late.mockRestore();
      expect(answer).toMatchObject({ status: 409, body: { code: 'idempotency_key_in_flight' } });
      expect((await fresh.call('get', '/v1/api_keys')).body.data).toHaveLength(1);
    });
  });

  it('answers 503 where a change loses to others at every try, and has done nothing', async () => {
    const fresh = await api.newTenant();
    const { db } = api.database;
    await db.query(`CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END $$`);
    await db.query(
      `CREATE TRIGGER lose BEFORE INSERT ON api_keys FOR EACH ROW WHEN (NEW.label = 'loser') EXECUTE FUNCTION lose()`,
    );
    const answer = await fresh.call('post', '/v1/api_keys', { label: 'loser' });
    expect(answer).toMatchObject({ status: 503, body: { code: 'dependency_unavailable' } });
    expect(answer.headers.get('retry-after')).toBe('1');
    expect((await fresh.call('get', '/v1/api_keys')).body.data).toHaveLength(1);
  });

  it('serves health, metrics, OpenAPI 3.1 and the reference page without a key', async () => {
    expect((await send(`${api.url}/healthz`, 'get')).body).toEqual({ status: 'ok' });
    expect((await send(`${api.url}/readyz`, 'get')).body).toMatchObject({
      status: 'ready',
      temporal: 'away',
    });
    expect((await send(`${api.url}/metrics`, 'get')).text).toContain(
      'secapi_http_request_duration',
    );
    const { body } = await send(`${api.url}/openapi.json`, 'get');
    expect(body.openapi).toBe('3.1.0');
    expect(body.paths['/v1/events'].post['x-scopes']).toEqual(['events:publish']);
    const statuses = (path: string, method: string) =>
      Object.keys(body.paths[path][method].responses as object);
    for (const path of ['/v1/agent/bootstrap', '/v1/invitations/accept']) {
      expect(statuses(path, 'post')).toEqual(expect.arrayContaining(['401', '403']));
    }
    expect(statuses('/v1/organization/members/{userId}', 'delete')).toContain('409');
    const docs = await send(`${api.url}/docs`, 'get');
    expect(docs.text).toContain('id="error-not_found"');
    expect(docs.text).not.toMatch(/(src|href)="https?:/);
  });
});

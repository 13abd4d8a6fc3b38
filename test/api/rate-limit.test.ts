import { createRateLimiter } from '../../api/http/rate-limit';
import { send, startApi, type Answer, type Tenant, type TestApi } from '../support/api';

describe('limits on requests a minute', () => {
  let api: TestApi;
  let other: TestApi;
  /** The time stands still, so that a test lies within one minute. */
  const noon = new Date('2026-03-19T12:00:10.000Z');
  beforeAll(async () => {
    api = await startApi({ TRUSTED_PROXIES: '1' }, { now: () => noon });
    other = await api.another();
  });
  afterAll(async () => {
    await other.close();
    await api.close();
  });
  async function limited(requestsPerMinute: number): Promise<Tenant> {
    const tenant = await api.newTenant();
    await api.database.db.query(`UPDATE organizations SET requests_per_minute = $1 WHERE id = $2`, [
      requestsPerMinute,
      tenant.orgId,
    ]);
    return tenant;
  }

  it('are told in the draft’s headers and the older ones, and refused with Retry-After', async () => {
    const tenant = await limited(3);
    const answers: Answer[] = [];
    for (let i = 0; i < 4; i++) answers.push(await tenant.call('GET', '/v1/me'));
    const [first, , , last] = answers;
    expect(first?.headers.get('ratelimit-policy')).toBe('"control";q=3;w=60');
    expect(first?.headers.get('ratelimit')).toMatch(/^"control";r=2;t=\d+$/);
    expect(first?.headers.get('ratelimit-limit')).toBe('3');
    expect(first?.headers.get('ratelimit-remaining')).toBe('2');
    expect(last).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    const resetSeconds = Number(last?.headers.get('ratelimit-reset'));
    expect(last?.headers.get('retry-after')).toBe(String(resetSeconds));
    expect(resetSeconds).toBe(50);
  }, 20_000);

  it('let two API processes together through what the limit says, at ten times the limit', async () => {
    const limit = 120;
    const tenant = await limited(limit);
    const statuses = await Promise.all(
      Array.from({ length: limit * 10 }, async (_, i) => {
        const { url } = i % 2 === 0 ? api : other;
        const headers = { 'x-api-key': tenant.key };
        return (await send(`${url}/v1/me`, 'GET', undefined, headers)).status;
      }),
    );
    const passed = statuses.filter((status) => status === 200).length;
    expect(passed).toBeGreaterThanOrEqual(limit * 0.95);
    expect(passed).toBeLessThanOrEqual(limit * 1.05);
    expect(statuses.every((status) => status === 200 || status === 429)).toBe(true);
  }, 40_000);

  it('are counted by organization over all its keys; publishing has a ceiling of its own', async () => {
    const tenant = await limited(2);
    const second = await api.newKey(tenant.orgId);
    expect((await tenant.call('GET', '/v1/me')).status).toBe(200);
    expect((await second.call('GET', '/v1/me')).status).toBe(200);
    expect((await second.call('GET', '/v1/me')).status).toBe(429);
    const event = { type: 'filing.published', data: {} };
    const published = await tenant.call('POST', '/v1/events', event);
    expect(published.status).toBe(202);
    expect(published.headers.get('ratelimit-limit')).toBe('600000');
  }, 20_000);

  it('don’t hold for operators', async () => {
    const operator = await api.newTenant({ scopes: ['admin:operator'] });
    const answer = await operator.call('GET', '/v1/me');
    expect(answer.headers.get('ratelimit-limit')).toBeNull();
  });

  it('turn failed authentications away after 600 a minute from one address, while a good key still works', async () => {
    const tenant = await api.newTenant();
    const from = { 'x-forwarded-for': '198.51.100.20' };
    const bad = () => send(`${api.url}/v1/me`, 'GET', undefined, { 'x-api-key': 'wrong', ...from });
    const statuses = await Promise.all(
      Array.from({ length: 610 }, async () => (await bad()).status),
    );
    expect(statuses.filter((status) => status === 401)).toHaveLength(600);
    expect(statuses.filter((status) => status === 429)).toHaveLength(10);
    expect((await tenant.call('GET', '/v1/me', undefined, from)).status).toBe(200);
    const elsewhere = { 'x-api-key': 'wrong', 'x-forwarded-for': '198.51.100.21' };
    expect((await send(`${api.url}/v1/me`, 'GET', undefined, elsewhere)).status).toBe(401);
  }, 40_000);

  it('turn tokens that nobody gave out away after 600 a minute from one address', async () => {
    const tries = [
      ['/v1/agent/bootstrap', { token: 'secapi_boot_guess' }],
      ['/v1/invitations/accept', { token: 'secapi_inv_guess' }],
    ] as const;
    const from = (address: string) => ({ 'x-forwarded-for': address });
    const guess = (i: number, address: string) => {
      const [path, body] = tries[i % 2] ?? tries[0];
      return send(api.url + path, 'POST', body, from(address));
    };
    const statuses: number[] = [];
    while (statuses.length < 620) {
      const wave = Array.from({ length: 20 }, (_, i) => guess(i, '198.51.100.30'));
      for (const { status } of await Promise.all(wave)) statuses.push(status);
    }
    const refused = statuses.filter((status) => status === 401 || status === 404);
    expect(refused).toHaveLength(600);
    expect(statuses.filter((status) => status === 429)).toHaveLength(20);
    const page = `${api.url}/invitations/accept?token=secapi_inv_guess`;
    expect((await send(page, 'GET', undefined, from('198.51.100.30'))).status).toBe(429);
    expect((await guess(0, '198.51.100.31')).status).toBe(401);
  }, 40_000);

  it('let requests pass, and say so, when their store is away', async () => {
    let away = 0;
    const cutOff = await api.another();
    await cutOff.database.db.destroy();
    const limiter = createRateLimiter(cutOff.database.db, { now: () => noon }, () => away++);
    const verdict = await limiter.take('control:org_x', 10);
    await cutOff.close();
    expect(verdict.allowed).toBe(true);
    expect(away).toBeGreaterThan(0);
  });
});

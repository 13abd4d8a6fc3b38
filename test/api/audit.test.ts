import { appendAudit } from '../../entities/audit-record';
import { verifyAudit } from '../../entities/verify-audit';
import { startApi, type Tenant, type TestApi } from '../support/api';

describe('the audit chain', () => {
  let api: TestApi;
  let acme: Tenant;
  beforeAll(async () => {
    api = await startApi();
  });
  beforeEach(async () => {
    acme = await api.newTenant({ planKey: 'commercial' });
  });
  afterAll(() => api.close());
  const verify = async () => (await acme.call('GET', '/v1/audit/verify')).body;
  const sql = (text: string, ...more: unknown[]): Promise<unknown> =>
    api.database.db.query(text, [acme.orgId, ...more]);
  async function changes(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await acme.call('POST', '/v1/api_keys', { label: `key ${i}` });
  }

  it('records who changed what, from where, under which request', async () => {
    const headers = { 'x-request-id': 'the-request' };
    const { body: key } = await acme.call('POST', '/v1/api_keys', { label: 'seen' }, headers);
    const { body } = await acme.call('GET', '/v1/audit/records');
    const me = await acme.call('GET', '/v1/me');
    expect(body.data).toEqual([
      {
        object: 'audit_record',
        id: expect.stringMatching(/^aud_/),
        seq: 1,
        recordedAt: expect.stringMatching(/Z$/),
        action: 'api_key.created',
        actor: { type: 'api_key', id: me.body.principal.principalId },
        target: { type: 'api_key', id: key.id },
        before: null,
        after: { keyPrefix: key.keyPrefix, label: 'seen', livemode: false, scopes: ['read:sec'] },
        requestId: 'the-request',
        ip: '127.0.0.1',
        prevHash: '0'.repeat(64),
        hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    ]);
  });

  it('lists by action and time, page by page', async () => {
    await changes(3);
    await acme.call('POST', '/v1/webhook_endpoints', { destinationUrl: 'http://127.0.0.1:1/' });
    const keys = (await acme.call('GET', '/v1/audit/records?action=api_key.created&limit=2')).body;
    expect(keys).toMatchObject({ hasMore: true, data: [{ seq: 3 }, { seq: 2 }] });
    const next = await acme.call(
      'GET',
      `/v1/audit/records?action=api_key.created&limit=2&cursor=${keys.nextCursor}`,
    );
    expect(next.body.data.map((row: { seq: number }) => row.seq)).toEqual([1]);
    const soon = new Date(Date.now() + 60_000).toISOString();
    for (const since of ['yesterday', soon, '2026-13-01']) {
      const refused = await acme.call('GET', `/v1/audit/records?since=${since}`);
      expect(refused.body.details.issues[0].path).toBe('since');
    }
    const all = await acme.call('GET', '/v1/audit/records?since=2020-01-01');
    expect(all.body.data).toHaveLength(4);
  });

  it('is one unbroken chain after 100 changes at once', async () => {
    await sql('UPDATE organizations SET api_key_limit = 1000 WHERE id = $1');
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => acme.call('POST', '/v1/api_keys', { label: `${i}` })),
    );
    expect(answers.every(({ status }) => status === 201)).toBe(true);
    expect(await verify()).toMatchObject({ ok: true, records: 100, firstBad: null });
  });

  it.each([
    [
      'a byte of what was',
      `UPDATE audit_records SET after = replace(after, 'key 2', 'key X') WHERE org_id = $1 AND seq = 3`,
      3,
    ],
    ['the actor', `UPDATE audit_records SET actor_id = 'key_0' WHERE org_id = $1 AND seq = 2`, 2],
    [
      'the time',
      `UPDATE audit_records SET recorded_at = recorded_at + interval '1 ms' WHERE org_id = $1 AND seq = 1`,
      1,
    ],
    ['the address', `UPDATE audit_records SET ip = '127.0.0.2' WHERE org_id = $1 AND seq = 4`, 4],
    [
      'its own hash',
      `UPDATE audit_records SET hash = reverse(hash) WHERE org_id = $1 AND seq = 2`,
      2,
    ],
    ['the row away', `DELETE FROM audit_records WHERE org_id = $1 AND seq = 3`, 3],
    ['the last row away', `DELETE FROM audit_records WHERE org_id = $1 AND seq = 5`, 5],
    ['all rows away', `DELETE FROM audit_records WHERE org_id = $1`, 1],
  ])('names the first bad record when somebody takes %s', async (_what, tampering, seq) => {
    await changes(5);
    expect((await verify()).ok).toBe(true);
    await sql(tampering);
    const found = await verify();
    expect(found).toMatchObject({ object: 'audit_verification', ok: false, firstBad: { seq } });
    expect(found.firstBad.reason).toMatch(/\w/);
  });

  it('names the first of two records that were swapped', async () => {
    await changes(5);
    await sql(`UPDATE audit_records SET seq = seq + 100 WHERE org_id = $1 AND seq = 2`);
    await sql(`UPDATE audit_records SET seq = 2 WHERE org_id = $1 AND seq = 4`);
    await sql(`UPDATE audit_records SET seq = 4 WHERE org_id = $1 AND seq = 102`);
    expect((await verify()).firstBad).toMatchObject({ seq: 2 });
  });

  it('walks more than one batch', async () => {
    await changes(1);
    const { db } = api.database;
    const actor = { type: 'system' as const, id: null };
    const target = { type: 'thing', id: 'x' };
    const facts = Array.from({ length: 2_100 }, () => ({ action: 'thing.changed', actor, target }));
    await db.transaction((tx) => appendAudit(tx, acme.orgId, facts, new Date()));
    expect(await verifyAudit(db, acme.orgId)).toMatchObject({ ok: true, records: 2_101 });
  });

  it('is read by members:manage alone', async () => {
    const reader = await api.newKey(acme.orgId, { scopes: ['read:sec'] });
    expect((await reader.call('GET', '/v1/audit/records')).status).toBe(403);
    expect((await reader.call('GET', '/v1/audit/verify')).status).toBe(403);
  });
});

import { resealSecrets } from '../../entities/reseal-secrets';
import { SEALED } from '../../entities/sealed-columns';
import { createSecretBox } from '../../platform/secret-box';
import { startApi, send, type Tenant, type TestApi } from '../support/api';

const keyText = (n: number): string => Buffer.alloc(32, n).toString('base64');
const key = (n: number): Buffer => Buffer.alloc(32, n);

describe('sealing everything anew under the first key', () => {
  let api: TestApi;
  let acme: Tenant;
  const headers = { 'idempotency-key': 'create-once' };
  const body = { destinationUrl: 'https://example.com/hook' };
  let first: { id: string; signingSecret: string };
  const reseal = async (keys: Buffer[], dryRun = false) =>
    Object.fromEntries(
      (await resealSecrets(api.database.db, createSecretBox(keys), { dryRun })).map(
        ({ table, old, closed }) => [table, [old, closed]],
      ),
    );

  beforeAll(async () => {
    api = await startApi({ SECRETS_KEY: keyText(1) });
    acme = await api.newTenant();
    first = (await acme.call('POST', '/v1/webhook_endpoints', body, headers)).body;
    await acme.call('POST', `/v1/webhook_endpoints/${first.id}/rotate_secret`, {
      overlapSeconds: 600,
    });
    await acme.call('POST', '/v1/organization/invitations', { emails: ['a@b.example'] });
    await api.database.db.query(
      `INSERT INTO mails (id, org_id, recipients, subject, body_sealed, created_at)
       SELECT 'mail_' || n, $1, '{a@b.example}', 's', $2, now() FROM generate_series(1, 3) n`,
      [acme.orgId, createSecretBox([key(3)]).seal('x', 'elsewhere')],
    );
  });
  afterAll(() => api.close());

  it('knows every sealed column there is', async () => {
    const rows: { name: string }[] = await api.database.db.query(
      `SELECT table_name || '.' || column_name AS name FROM information_schema.columns
       WHERE table_schema = 'public' AND column_name LIKE '%sealed%' ORDER BY 1`,
    );
    const known = SEALED.flatMap(({ table, columns }) => columns.map((name) => `${table}.${name}`));
    expect(known.sort()).toEqual(rows.map(({ name }) => name));
  });

  it('counts in a dry run, changes nothing, and tells what none of the keys opens', async () => {
    const counted = await reseal([key(2), key(1)], true);
    expect(counted).toMatchObject({ webhook_endpoints: [2, 0], idempotency_keys: [1, 0] });
    expect(counted['mails']).toEqual([1, 3]);
    expect(await reseal([key(2), key(1)], true)).toEqual(counted);
  });

  it('lets the old key be taken out: secrets, replies and mails open with the new one alone', async () => {
    await api.database.db.query(`DELETE FROM mails WHERE id IN ('mail_1', 'mail_2', 'mail_3')`);
    await reseal([key(2), key(1)]);
    expect(await reseal([key(2)])).toEqual({
      webhook_endpoints: [0, 0],
      mails: [0, 0],
      idempotency_keys: [0, 0],
    });
    const box = createSecretBox([key(2)]);
    const [row]: { previous: string }[] = await api.database.db.query(
      `SELECT previous_secret_sealed AS previous FROM webhook_endpoints WHERE id = $1`,
      [first.id],
    );
    expect(box.open(row?.previous ?? '', first.id)).toBe(first.signingSecret);
    const mails: { id: string; sealed: string }[] = await api.database.db.query(
      `SELECT id, body_sealed AS sealed FROM mails WHERE body_sealed IS NOT NULL`,
    );
    expect(mails).toHaveLength(1);
    for (const { id, sealed } of mails) expect(box.open(sealed, id)).not.toBe('');
  });

  it('is done page after page, however many rows there are', async () => {
    const { db } = api.database;
    const old = createSecretBox([key(2)]);
    for (let n = 0; n < 450; n++) {
      const id = `mail_many_${n}`;
      await db.query(
        `INSERT INTO mails (id, org_id, recipients, subject, body_sealed, created_at)
         VALUES ($1, $2, '{}', 's', $3, now())`,
        [id, acme.orgId, old.seal('x', id)],
      );
    }
    expect((await reseal([key(4), key(2)]))['mails']?.[0]).toBeGreaterThanOrEqual(450);
    expect((await reseal([key(4), key(2)]))['mails']).toEqual([0, 0]);
  });
});

describe('a key that is rotated', () => {
  it('leaves replies and cursors that the older one made as they were', async () => {
    const api = await startApi({ SECRETS_KEY: keyText(1) });
    const acme = await api.newTenant();
    const headers = { 'idempotency-key': 'k' };
    const made = await acme.call(
      'POST',
      '/v1/webhook_endpoints',
      { destinationUrl: 'https://example.com/' },
      headers,
    );
    await acme.call('POST', '/v1/webhook_endpoints', { destinationUrl: 'https://example.com/2' });
    const page = await acme.call('GET', '/v1/webhook_endpoints?limit=1');
    const rotated = await api.another({ SECRETS_KEY: `${keyText(2)},${keyText(1)}` });
    const again = await send(
      `${rotated.url}/v1/webhook_endpoints`,
      'POST',
      { destinationUrl: 'https://example.com/' },
      { 'x-api-key': acme.key, ...headers },
    );
    expect(again.text).toBe(made.text);
    const next = await send(
      `${rotated.url}/v1/webhook_endpoints?limit=1&cursor=${page.body.nextCursor}`,
      'GET',
      undefined,
      { 'x-api-key': acme.key },
    );
    expect(next.body.data).toHaveLength(1);
    await rotated.close();
    await api.close();
  });
});

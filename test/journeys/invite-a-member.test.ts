import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { send } from '../support/api';
import { startProduct, type Product } from '../support/product';
import { until } from '../support/until';

describe('an invitation on its way', () => {
  let product: Product;
  const folder = mkdtempSync(join(tmpdir(), 'secapi-mail-'));
  beforeAll(async () => {
    product = await startProduct({ MAIL_FOLDER: folder });
  }, 60_000);
  afterAll(async () => {
    await product.close();
    rmSync(folder, { recursive: true });
  }, 60_000);

  const mails = (): string[] =>
    readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));

  it('is mailed by a workflow, through a restart of the worker, and its link makes a member', async () => {
    const emails = ['new@example.com'];
    const path = '/v1/organization/invitations';
    expect((await product.tenant.call('POST', path, { emails })).status).toBe(201);
    await product.restartWorker();
    const [mail = ''] = await until(
      async () => mails(),
      (all) => all.length > 0,
    );
    expect(mail).toContain('To: new@example.com');
    const [link = ''] = /http\S+/.exec(mail) ?? [];
    const { pathname, searchParams } = new URL(link);
    const token = searchParams.get('token') ?? '';
    product.handOut(token);
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const page = await send(product.api.url + pathname, 'POST', `token=${token}`, form);
    expect(page.text).toContain('Welcome');
    const members = (await product.tenant.call('GET', '/v1/organization/members')).body.data;
    expect(members).toMatchObject([{ email: 'new@example.com', role: 'owner' }]);
    expect(mails()).toHaveLength(1);
    const [{ left }] = await product.api.database.db.query(
      `SELECT count(*)::int AS left FROM mails WHERE body_sealed IS NOT NULL`,
    );
    expect(left).toBe(0);
  }, 60_000);

  it('and a bootstrap token leave no secret behind', async () => {
    const path = '/v1/agent/bootstrap_tokens';
    const { body } = await product.tenant.call('POST', path, { scopes: ['read:sec'] });
    const made = await send(`${product.api.url}/v1/agent/bootstrap`, 'POST', {
      token: body.secret,
    });
    expect(made.status).toBe(201);
    product.handOut(made.body.apiKey.secret as string);
    await product.tenant.call(
      'POST',
      '/v1/api_keys',
      { label: 'x' },
      { 'idempotency-key': 'once' },
    );
  });
});

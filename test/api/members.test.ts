import { send, startApi, type Answer, type Tenant, type TestApi } from '../support/api';
import { tokenFor } from '../support/invitations';

describe('members, invitations and seats', () => {
  let api: TestApi;
  let acme: Tenant;
  const invite = (tenant: Tenant, emails: string[], role?: string): Promise<Answer> =>
    tenant.call('POST', '/v1/organization/invitations', { emails, role });
  const accept = (token: string): Promise<Answer> =>
    send(`${api.url}/v1/invitations/accept`, 'POST', { token });
  async function join(tenant: Tenant, email: string, role = 'member'): Promise<string> {
    await invite(tenant, [email], role);
    const answer = await accept(await tokenFor(api, email));
    expect(answer.status).toBe(200);
    return answer.body.id as string;
  }
  const membersOf = async (tenant: Tenant): Promise<{ id: string; role: string }[]> =>
    (await tenant.call('GET', '/v1/organization/members')).body.data;

  beforeAll(async () => {
    api = await startApi();
  });
  beforeEach(async () => {
    acme = await api.newTenant();
  });
  afterAll(() => api.close());

  describe('an invitation', () => {
    it('is answered without its token, and becomes a member through the mailed one', async () => {
      const invited = await invite(acme, ['Ada@Example.com'], 'admin');
      expect(invited.status).toBe(201);
      expect(invited.text).not.toContain('secapi_inv_');
      const [invitation] = invited.body.data;
      expect(invitation).toMatchObject({
        object: 'invitation',
        id: expect.stringMatching(/^inv_/),
        email: 'Ada@Example.com',
        role: 'admin',
        status: 'pending',
      });
      const joined = await accept(await tokenFor(api, 'Ada@Example.com'));
      expect(joined.body).toMatchObject({
        object: 'member',
        id: expect.stringMatching(/^usr_/),
        email: 'Ada@Example.com',
        status: 'active',
        orgId: acme.orgId,
      });
      const { data } = (await acme.call('GET', '/v1/organization/invitations')).body;
      expect(data[0].status).toBe('accepted');
    });

    it('of one new person to two organizations can be accepted at the same moment', async () => {
      const other = await api.newTenant();
      for (let i = 0; i < 8; i++) {
        const email = `twin${i}@example.com`;
        const tokens: string[] = [];
        for (const tenant of [acme, other]) {
          await invite(tenant, [email]);
          tokens.push(await tokenFor(api, email));
        }
        const answers = await Promise.all(tokens.map(accept));
        expect(answers.map(({ status }) => status)).toEqual([200, 200]);
        expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
        for (const tenant of [acme, other]) {
          const joined = answers.find(({ body }) => body.orgId === tenant.orgId);
          if ((await membersOf(tenant)).length > 1) {
            await tenant.call('DELETE', `/v1/organization/members/${joined?.body.id}`);
          }
        }
      }
    });

    it('makes the first member the owner, and later ones what they were invited as', async () => {
      await join(acme, 'first@example.com');
      await join(acme, 'second@example.com', 'admin');
      expect((await membersOf(acme)).map(({ role }) => role)).toEqual(['admin', 'owner']);
    });

    it('works once: used, withdrawn, expired or replaced it is refused and nothing changes', async () => {
      await invite(acme, ['a@example.com', 'b@example.com', 'c@example.com', 'd@example.com']);
      const token = await tokenFor(api, 'a@example.com');
      expect((await accept(token)).status).toBe(200);
      const again = await accept(token);
      expect(again.status).toBe(409);
      expect(again.body.details.status).toBe('accepted');

      const { data } = (await acme.call('GET', '/v1/organization/invitations')).body;
      const idOf = (email: string): string =>
        data.find((row: { email: string }) => row.email === email).id as string;
      const path = (email: string): string => `/v1/organization/invitations/${idOf(email)}`;
      const withdrawn = await tokenFor(api, 'b@example.com');
      expect((await acme.call('DELETE', path('b@example.com'))).body.status).toBe('revoked');
      expect((await accept(withdrawn)).body.details.status).toBe('revoked');

      const expired = await tokenFor(api, 'c@example.com');
      await api.database.db.query(
        `UPDATE invitations SET expires_at = now() - interval '1 s' WHERE address = 'c@example.com'`,
      );
      expect((await accept(expired)).body.details.status).toBe('expired');

      const old = await tokenFor(api, 'd@example.com');
      expect((await acme.call('POST', `${path('d@example.com')}/resend`)).status).toBe(200);
      expect((await accept(old)).status).toBe(404);
      expect((await accept('secapi_inv_nonsense')).status).toBe(404);
      expect(await membersOf(acme)).toHaveLength(1);
      expect((await accept(await tokenFor(api, 'd@example.com'))).status).toBe(200);
    });

    it('invites nobody when one address is wrong or is a member already', async () => {
      await join(acme, 'there@example.com');
      const wrong = await invite(acme, ['new@example.com', 'not an address']);
      expect(wrong.status).toBe(400);
      expect(wrong.body.details.issues[0].path).toBe('emails.1');
      const there = await invite(acme, ['new@example.com', 'THERE@example.com']);
      expect(there.status).toBe(409);
      const { data } = (await acme.call('GET', '/v1/organization/invitations')).body;
      expect(data).toHaveLength(1);
    });

    it('refuses none, too many, the role of owner, a test key and a key without the scope', async () => {
      expect((await invite(acme, [])).status).toBe(400);
      const many = Array.from({ length: 21 }, (_, i) => `p${i}@example.com`);
      expect((await invite(acme, many)).status).toBe(400);
      expect((await invite(acme, ['x@example.com'], 'owner')).status).toBe(400);
      const test = await api.newKey(acme.orgId, { livemode: false });
      expect((await invite(test, ['x@example.com'])).status).toBe(403);
      const reader = await api.newKey(acme.orgId, { scopes: ['read:sec'] });
      const refused = await invite(reader, ['x@example.com']);
      expect(refused.body).toMatchObject({
        code: 'insufficient_scope',
        details: { required: ['members:manage'] },
      });
    });

    it('leaves as a command in the same commit, once for an idempotency key', async () => {
      const headers = { 'idempotency-key': 'invite-1' };
      const body = { emails: ['once@example.com'] };
      const path = '/v1/organization/invitations';
      const first = await acme.call('POST', path, body, headers);
      const second = await acme.call('POST', path, body, headers);
      expect(second.text).toBe(first.text);
      expect(second.headers.get('idempotency-replayed')).toBe('true');
      const [{ count }] = await api.database.db.query(
        `SELECT count(*)::int FROM outbox o JOIN mails m ON m.id = o.ref
         WHERE o.kind = 'send_mail' AND m.org_id = $1`,
        [acme.orgId],
      );
      expect(count).toBe(1);
    });

    it('shows a page that changes nothing until its button is pressed', async () => {
      await invite(acme, ['page@example.com']);
      const token = await tokenFor(api, 'page@example.com');
      const url = `${api.url}/invitations/accept`;
      const page = await send(`${url}?token=${token}`, 'GET');
      expect(page.status).toBe(200);
      expect(page.text).toContain('Join Acme');
      expect(await membersOf(acme)).toHaveLength(0);
      const form = { 'content-type': 'application/x-www-form-urlencoded' };
      expect((await send(url, 'POST', `token=${token}`, form)).text).toContain('Welcome');
      expect(await membersOf(acme)).toHaveLength(1);
      expect((await send(url, 'POST', `token=${token}`, form)).status).toBe(409);
      const records = (await acme.call('GET', '/v1/audit/records?action=member.joined')).body.data;
      expect(records).toHaveLength(1);
    });
  });

  describe('seats', () => {
    it('count members and pending invitations by normalized address, and refuse the sixth of the team plan', async () => {
      await join(acme, 'one@example.com');
      await invite(acme, ['two@example.com', 'three@example.com', 'four@example.com']);
      expect((await invite(acme, ['FIVE@example.com', 'five@example.com'])).status).toBe(201);
      expect((await invite(acme, ['Two@Example.com'])).status).toBe(201);
      const sixth = await invite(acme, ['six@example.com']);
      expect(sixth.status).toBe(403);
      expect(sixth.body).toMatchObject({ code: 'plan_limit_reached', details: { limit: 5 } });
    });

    it('are never oversold when invitations race', async () => {
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, i) => invite(acme, [`race${i}@example.com`])),
      );
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(5);
      expect(answers.filter(({ status }) => status === 403)).toHaveLength(7);
    });

    it('are checked again when 200 accepts race for the last one: one wins', async () => {
      await join(acme, 'owner@example.com');
      const limit = (seats: number) =>
        api.database.db.query(`UPDATE organizations SET seat_limit = $2 WHERE id = $1`, [
          acme.orgId,
          seats,
        ]);
      await limit(500);
      const emails = Array.from({ length: 200 }, (_, i) => `many${i}@example.com`);
      for (let i = 0; i < emails.length; i += 20) await invite(acme, emails.slice(i, i + 20));
      const tokens = await Promise.all(emails.map((email) => tokenFor(api, email)));
      await limit(2);
      const answers = await Promise.all(tokens.map(accept));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      const refused = answers.filter(({ status }) => status === 403);
      expect(refused).toHaveLength(199);
      expect(refused[0]?.body).toMatchObject({ code: 'plan_limit_reached', details: { limit: 2 } });
      expect(await membersOf(acme)).toHaveLength(2);
    }, 60_000);

    it('go to one of 200 who accept the same invitation at once', async () => {
      await invite(acme, ['wanted@example.com']);
      const token = await tokenFor(api, 'wanted@example.com');
      const answers = await Promise.all(Array.from({ length: 200 }, () => accept(token)));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(answers.filter(({ status }) => status === 409)).toHaveLength(199);
    }, 60_000);

    it('stay as they are below the plan after a downgrade, but nothing can be added', async () => {
      for (const name of ['a', 'b', 'c']) await join(acme, `${name}@down.example`);
      const operator = await api.newTenant({ scopes: ['admin:operator'] });
      const path = `/v1/admin/orgs/${acme.orgId}/limits`;
      expect((await operator.call('PUT', path, { planKey: 'personal' })).status).toBe(200);
      expect(await membersOf(acme)).toHaveLength(3);
      const refused = await invite(acme, ['d@down.example']);
      expect(refused.body).toMatchObject({ code: 'plan_limit_reached', details: { limit: 1 } });
    });
  });

  describe('a member', () => {
    it('can be given another role, but only an owner makes an owner', async () => {
      await join(acme, 'owner@example.com');
      const id = await join(acme, 'other@example.com');
      const path = `/v1/organization/members/${id}`;
      expect((await acme.call('PATCH', path, { role: 'admin' })).body.role).toBe('admin');
      expect((await acme.call('PATCH', path, { role: 'owner' })).status).toBe(403);
      expect((await acme.call('PATCH', path, { role: 'emperor' })).status).toBe(400);
    });

    it('who is the last owner can’t be removed by anybody', async () => {
      const id = await join(acme, 'owner@example.com');
      const refused = await acme.call('DELETE', `/v1/organization/members/${id}`);
      expect([403, 409]).toContain(refused.status);
      expect(await membersOf(acme)).toHaveLength(1);
    });

    it('who is removed takes along every key they made, and those these made', async () => {
      await join(acme, 'owner@example.com');
      const id = await join(acme, 'gone@example.com');
      const made = await api.newKey(acme.orgId);
      await api.database.db.query(
        `UPDATE api_keys SET created_by = $1 WHERE id = (SELECT max(id) FROM api_keys WHERE org_id = $2)`,
        [id, acme.orgId],
      );
      const child = await made.call('POST', '/v1/api_keys', { livemode: true });
      expect(child.status).toBe(201);
      const removed = await acme.call('DELETE', `/v1/organization/members/${id}`);
      expect(removed.body.revokedKeys).toHaveLength(2);
      for (const key of [made.key, child.body.secret as string]) {
        expect(
          (await send(`${api.url}/v1/me`, 'GET', undefined, { 'x-api-key': key })).status,
        ).toBe(401);
      }
      expect((await acme.call('DELETE', `/v1/organization/members/${id}`)).status).toBe(404);
      const { data } = (await acme.call('GET', '/v1/audit/records')).body;
      const actions = data.map((row: { action: string }) => row.action);
      expect(actions.slice(0, 3).sort()).toEqual([
        'api_key.revoked',
        'api_key.revoked',
        'member.removed',
      ]);
    });
  });
});

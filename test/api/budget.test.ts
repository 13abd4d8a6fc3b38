import { startApi, type Answer, type Tenant, type TestApi } from '../support/api';
import { send } from '../support/api';
import { newestMail, tokenFor } from '../support/invitations';

describe('budgets and approvals', () => {
  let api: TestApi;
  let acme: Tenant;
  let keys = 0;
  const PATH = '/v1/billing/budget/approvals';
  const authorize = (units = 1, tenant = acme): Promise<Answer> =>
    tenant.call('POST', '/v1/usage/authorize', {
      meterClass: 'artifact_jobs',
      units,
      idempotencyKey: `k-${++keys}`,
    });
  const setBudget = (budget: object, tenant = acme): Promise<Answer> =>
    tenant.call('PUT', '/v1/billing/budget', budget);
  const eventsOf = async (type: string): Promise<Record<string, unknown>[]> => {
    const rows = await api.database.db.query(
      `SELECT substring(body from data_start + 1 for length(body) - data_start - 1)::json AS data
       FROM events WHERE org_id = $1 AND type = $2 ORDER BY id`,
      [acme.orgId, type],
    );
    return rows.map((row: { data: Record<string, unknown> }) => row.data);
  };
  const decide = (id: string, how: string, body: object = {}, tenant = acme): Promise<Answer> =>
    tenant.call('POST', `${PATH}/${id}/${how}`, body);
  async function join(email: string, role = 'admin'): Promise<void> {
    await acme.call('POST', '/v1/organization/invitations', { emails: [email], role });
    const token = await tokenFor(api, email);
    await send(`${api.url}/v1/invitations/accept`, 'POST', { token });
  }
  const overdue = (id: string): Promise<unknown> =>
    api.database.db.query(
      `UPDATE budget_approvals SET expires_at = now() - interval '1 h' WHERE id = $1`,
      [id],
    );
  /** What the audit chain tells of one approval, oldest first; the chain must verify. */
  async function actionsOf(id: string): Promise<string[]> {
    expect((await acme.call('GET', '/v1/audit/verify')).body.ok).toBe(true);
    const { data } = (await acme.call('GET', '/v1/audit/records?limit=200')).body as {
      data: { action: string; target: { id: string } }[];
    };
    return data
      .filter(({ target }) => target.id === id)
      .map(({ action }) => action)
      .reverse();
  }
  /** Crosses the threshold and answers the approval's id. */
  async function cross(tenant = acme): Promise<string> {
    const refused = await authorize(1, tenant);
    expect(refused.body.code).toBe('billing_budget_approval_required');
    return refused.body.details.approvalId as string;
  }

  beforeAll(async () => {
    api = await startApi();
  });
  beforeEach(async () => {
    acme = await api.newTenant();
  });
  afterAll(() => api.close());

  describe('a budget', () => {
    it('clears with null, keeps what is absent, and tells who changed what', async () => {
      await setBudget({ spendCapCents: 1_000, softCapCents: 500, approvalThresholdCents: 800 });
      const headers = { 'x-request-id': 'budget-change' };
      const answer = await acme.call('PUT', '/v1/billing/budget', { softCapCents: null }, headers);
      expect(answer.body).toMatchObject({
        object: 'billing_budget_update',
        budget: { spendCapCents: 1_000, softCapCents: null, approvalThresholdCents: 800 },
      });
      const [, told] = await eventsOf('billing.budget.updated');
      expect(told).toMatchObject({
        actor: { type: 'api_key' },
        requestId: 'budget-change',
        previous: { spendCapCents: 1_000, softCapCents: 500, approvalThresholdCents: 800 },
        current: { spendCapCents: 1_000, softCapCents: null, approvalThresholdCents: 800 },
      });
    });

    it.each([
      [{ spendCapCents: -1 }, 'spendCapCents'],
      [{ spendCapCents: 1.5 }, 'spendCapCents'],
      [{ spendCapCents: 2 ** 60 }, 'spendCapCents'],
      [{ spendCapCents: 100, softCapCents: 101 }, 'softCapCents'],
      [{ spendCapCents: 100, approvalThresholdCents: 101 }, 'approvalThresholdCents'],
      [{ softCapCents: '5' }, 'softCapCents'],
    ])('refuses %j with the path', async (given, path) => {
      const refused = await setBudget(given);
      expect(refused).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
      expect(refused.body.details.issues[0].path).toBe(path);
    });

    it('tells 75, 90, 95 and 100 % once each, whoever crosses them', async () => {
      await setBudget({ spendCapCents: 80 });
      await Promise.all(Array.from({ length: 20 }, () => authorize()));
      const told = await eventsOf('billing.budget.threshold');
      expect(told.map(({ percent }) => percent)).toEqual([75, 90, 95, 100]);
      expect(told[0]).toMatchObject({ spendCapCents: 80, invoicePeriod: expect.any(String) });
    });

    it('belongs to billing:manage with a live key', async () => {
      const reader = await api.newKey(acme.orgId, { scopes: ['billing:read'] });
      expect((await setBudget({ spendCapCents: 1 }, reader)).status).toBe(403);
      const test = await api.newKey(acme.orgId, { livemode: false });
      expect((await setBudget({ spendCapCents: 1 }, test)).status).toBe(403);
    });
  });

  describe('an approval', () => {
    beforeEach(async () => {
      await join('manager@example.com');
      await setBudget({ spendCapCents: 20, approvalThresholdCents: 8 });
      for (let i = 0; i < 2; i++) expect((await authorize()).status).toBe(200);
    });

    it('is opened once by 100 crossings at once: one workflow, one event, one mail', async () => {
      const answers = await Promise.all(Array.from({ length: 100 }, () => authorize()));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([402]));
      expect(new Set(answers.map(({ body }) => body.details.approvalId)).size).toBe(1);
      expect(answers[0]?.body.details).toMatchObject({
        status: 'pending',
        approvalThresholdCents: 8,
      });
      const [{ starts, mails }] = await api.database.db.query(
        `SELECT count(*) FILTER (WHERE kind = 'start_approval')::int AS starts,
           count(*) FILTER (WHERE kind = 'send_mail' AND payload->>'subject' LIKE 'Approve%')::int AS mails
         FROM outbox WHERE payload->>'orgId' = $1`,
        [acme.orgId],
      );
      expect({ starts, mails }).toEqual({ starts: 1, mails: 1 });
      expect(await eventsOf('billing.budget.approval_requested')).toHaveLength(1);
    });

    it('lets the work through at once, up to the amount, then asks anew', async () => {
      const id = await cross();
      const approved = await decide(id, 'approve', { upToCents: 16, note: 'go on' });
      expect(approved.body).toMatchObject({
        object: 'budget_approval',
        id,
        status: 'approved',
        livemode: true,
        thresholdCents: 8,
        accruedUsageCents: 8,
        approvedUpToCents: 16,
        note: 'go on',
        decidedBy: expect.stringMatching(/^key_/),
        decidedAt: expect.any(String),
      });
      expect((await authorize()).status).toBe(200);
      expect((await authorize()).status).toBe(200);
      const next = await cross();
      expect(next).not.toBe(id);
      await decide(next, 'approve');
      expect((await authorize()).status).toBe(200);
      expect((await authorize()).body.code).toBe('billing_budget_hard_cap_exceeded');
      expect(await eventsOf('billing.budget.approval_resolved')).toHaveLength(2);
      const audit = (await acme.call('GET', '/v1/audit/records?action=budget_approval.approved'))
        .body;
      expect(audit.data).toHaveLength(2);
    });

    it('is decided once: the same again is the first decision, another is 409', async () => {
      const id = await cross();
      const answers = await Promise.all([
        decide(id, 'approve', { upToCents: 16 }),
        decide(id, 'approve', { upToCents: 16 }),
        decide(id, 'reject'),
      ]);
      const decided = new Set(
        answers.filter(({ status }) => status === 200).map(({ body }) => body.status),
      );
      expect(decided.size).toBe(1);
      const first = (await acme.call('GET', `${PATH}/${id}`)).body;
      const how = first.status === 'approved' ? 'approve' : 'reject';
      const again = await decide(id, how);
      expect(again.body).toMatchObject({ status: first.status, decidedAt: first.decidedAt });
      const other = await decide(id, how === 'approve' ? 'reject' : 'approve');
      expect(other).toMatchObject({ status: 409, body: { code: 'conflict' } });
    });

    it('rejected stands until the budget changes or one is opened by hand', async () => {
      const id = await cross();
      await decide(id, 'reject', { note: 'no' });
      const refused = await authorize();
      expect(refused.body.details).toMatchObject({ approvalId: id, status: 'rejected' });
      const opened = await acme.call('POST', PATH, { upToCents: 12, note: 'please' });
      expect(opened).toMatchObject({ status: 201, body: { status: 'pending', note: 'please' } });
      expect((await acme.call('POST', PATH, {})).body.details.approvalId).toBe(opened.body.id);
      await decide(opened.body.id as string, 'approve');
      expect((await authorize()).status).toBe(200);
      expect((await authorize()).status).toBe(402);
    });

    it('is superseded by a changed budget, under which the work passes', async () => {
      const id = await cross();
      await setBudget({ approvalThresholdCents: 20 });
      expect((await acme.call('GET', `${PATH}/${id}`)).body.status).toBe('superseded');
      expect((await authorize()).status).toBe(200);
      expect((await decide(id, 'approve')).status).toBe(409);
    });

    it('past its time is expired for everybody, also while no workflow runs, and another is opened', async () => {
      const id = await cross();
      await overdue(id);
      const quoted = await acme.call('POST', '/v1/billing/quote', { meterClass: 'artifact_jobs' });
      expect(quoted.body.budgetGate.details.approvalId).toBeNull();
      expect((await acme.call('GET', `${PATH}/${id}`)).body.status).toBe('expired');
      expect((await acme.call('GET', `${PATH}?status=pending`)).body.data).toEqual([]);
      expect((await acme.call('GET', `${PATH}?status=expired`)).body.data).toHaveLength(1);
      expect((await acme.call('GET', `${PATH}/${id}/wait?seconds=30`)).body.status).toBe('expired');
      const next = await cross();
      expect(next).not.toBe(id);
      expect(await cross()).toBe(next);
      expect((await decide(next, 'approve')).status).toBe(200);
      expect((await authorize()).status).toBe(200);
      expect(await actionsOf(id)).toEqual(['budget_approval.requested', 'budget_approval.expired']);
    });

    it('past its time does not stand in the way of one by hand', async () => {
      const id = await cross();
      await overdue(id);
      expect((await acme.call('POST', PATH, {})).status).toBe(201);
      expect(await actionsOf(id)).toEqual(['budget_approval.requested', 'budget_approval.expired']);
    });

    it('may be withdrawn, and the next crossing opens another', async () => {
      const id = await cross();
      expect((await decide(id, 'withdraw')).body.status).toBe('withdrawn');
      expect((await decide(id, 'withdraw')).status).toBe(200);
      expect(await cross()).not.toBe(id);
    });

    it('by the requester’s own key is refused where the budget asks for another', async () => {
      await setBudget({ requireOtherApprover: true });
      const id = await cross();
      expect((await decide(id, 'approve')).body.code).toBe('insufficient_scope');
      const second = await api.newKey(acme.orgId);
      expect((await decide(id, 'approve', {}, second)).status).toBe(200);
    });

    it('takes an amount above the ceiling and within the cap alone', async () => {
      const id = await cross();
      for (const upToCents of [0, 8, 21, 1.5]) {
        const refused = await decide(id, 'approve', { upToCents });
        expect(refused.body.details.issues[0].path).toBe('upToCents');
      }
      expect((await acme.call('GET', `${PATH}/${id}`)).body.status).toBe('pending');
    });

    it('can be waited for, and answers as soon as it is decided', async () => {
      const id = await cross();
      const started = performance.now();
      expect((await acme.call('GET', `${PATH}/${id}/wait?seconds=0`)).body.status).toBe('pending');
      const waiting = acme.call('GET', `${PATH}/${id}/wait?seconds=30`);
      await decide(id, 'approve');
      expect((await waiting).body.status).toBe('approved');
      expect(performance.now() - started).toBeLessThan(25_000);
      expect((await acme.call('GET', `${PATH}/${id}/wait?seconds=31`)).status).toBe(400);
    });

    it('is decided by the link in the mail, once, and by nobody who changed it', async () => {
      const id = await cross();
      const [link = ''] =
        /http\S+approvals\/decide\S+/.exec(await newestMail(api, 'manager@example.com')) ?? [];
      const url = new URL(link);
      const page = await send(`${api.url}${url.pathname}${url.search}`, 'GET');
      expect(page.text).toContain('Approve up to the cap');
      expect((await acme.call('GET', `${PATH}/${id}`)).body.status).toBe('pending');
      const form = { 'content-type': 'application/x-www-form-urlencoded' };
      const forged = new URLSearchParams(url.search);
      forged.set('token', `${forged.get('token')?.slice(0, -2)}xx`);
      forged.set('decision', 'approve');
      const at = `${api.url}/approvals/decide`;
      expect((await send(at, 'POST', forged.toString(), form)).status).toBe(403);
      const good = new URLSearchParams(url.search);
      good.set('decision', 'approve');
      expect((await send(at, 'POST', good.toString(), form)).text).toContain('It is approved');
      good.set('decision', 'reject');
      expect((await send(at, 'POST', good.toString(), form)).status).toBe(409);
      const decided = (await acme.call('GET', `${PATH}/${id}`)).body;
      expect(decided).toMatchObject({
        status: 'approved',
        decidedBy: expect.stringMatching(/^usr_/),
      });
      expect((await authorize()).status).toBe(200);
    });

    it('is listed, and out of sight of a test key and of others', async () => {
      const id = await cross();
      const listed = (await acme.call('GET', `${PATH}?status=pending`)).body;
      expect(listed.data.map((row: { id: string }) => row.id)).toEqual([id]);
      const test = await api.newKey(acme.orgId, { livemode: false });
      expect((await test.call('GET', `${PATH}/${id}`)).status).toBe(404);
      expect((await test.call('GET', PATH)).body.data).toEqual([]);
      const other = await api.newTenant();
      expect((await decide(id, 'approve', {}, other)).status).toBe(404);
    });
  });
});

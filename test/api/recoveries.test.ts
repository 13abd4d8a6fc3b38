import { DAY_MS, HOUR_MS } from '../../platform/clock';
import { failedDeliveries } from '../support/failed-deliveries';
import { startApi, type Answer, type Tenant, type TestApi } from '../support/api';

describe('recovering an endpoint', () => {
  let api: TestApi;
  let tenant: Tenant;
  beforeAll(async () => {
    api = await startApi();
    tenant = await api.newTenant();
  });
  afterAll(() => api.close());

  const yesterday = new Date(Date.now() - DAY_MS);
  const since = yesterday.toISOString();
  const audited = async (id: string): Promise<string[]> =>
    (await tenant.call('get', '/v1/audit/records?limit=200')).body.data
      .filter((record: { target: { id: string } }) => record.target.id === id)
      .map((record: { action: string }) => record.action)
      .sort();
  const commands = (ref: string): Promise<{ kind: string }[]> =>
    api.database.db.query('SELECT kind FROM outbox WHERE ref = $1', [ref]);

  /** An endpoint with deliveries that failed, the first of them created `from`. */
  async function failingEndpoint(count: number, from = yesterday) {
    const body = { destinationUrl: 'http://127.0.0.1:1/' };
    const { id } = (await tenant.call('post', '/v1/webhook_endpoints', body)).body;
    const endpoint = { id: id as string, orgId: tenant.orgId, livemode: true };
    const deliveries = await failedDeliveries(api.database.db, endpoint, count, from);
    const url = `/v1/webhook_endpoints/${id}`;
    const recover = (more: object = {}): Promise<Answer> =>
      tenant.call('post', `${url}/recover`, { since, ...more });
    const decide = (recovery: string, act: string): Promise<Answer> =>
      tenant.call('post', `${url}/recoveries/${recovery}/${act}`);
    return { id: id as string, url, deliveries, recover, decide };
  }

  it('answers 202 with the contract’s object, whose workflow is asked for in the same commit', async () => {
    const endpoint = await failingEndpoint(3);
    const { status, body } = await endpoint.recover({ perSecond: 7 });
    expect(status).toBe(202);
    expect(body).toEqual({
      object: 'webhook_recovery',
      id: expect.stringMatching(/^rec_[0-9a-f]{32}$/),
      webhookId: endpoint.id,
      orgId: tenant.orgId,
      livemode: true,
      status: 'running',
      total: 3,
      replayed: 0,
      succeeded: 0,
      failed: 0,
      since,
      until: body.createdAt,
      perSecond: 7,
      workflowId: `recover:${body.id}`,
      createdAt: expect.any(String),
      updatedAt: body.createdAt,
      finishedAt: null,
      requestId: expect.any(String),
    });
    expect(await commands(body.id)).toEqual([{ kind: 'recover_endpoint' }]);
    expect(await audited(body.id)).toEqual(['webhook_recovery.started']);
    const shown = await tenant.call('get', `${endpoint.url}/recoveries/${body.id}`);
    expect({ ...shown.body, requestId: '' }).toEqual({ ...body, requestId: '' });
  });

  it('takes in what had failed when it started and was created in its range, and nothing else', async () => {
    const endpoint = await failingEndpoint(5);
    const at = (n: number) => new Date(yesterday.getTime() + n * 1_000).toISOString();
    const [first, , third] = endpoint.deliveries;
    await api.database.db.query(
      `UPDATE webhook_deliveries SET status = 'delivered' WHERE id = $1`,
      [third],
    );
    const { body } = await endpoint.recover({ since: at(0), until: at(4) });
    expect(body.total).toBe(3);
    await api.database.db.query(`UPDATE webhook_deliveries SET status = 'failed' WHERE id = $1`, [
      third,
    ]);
    const queued = await api.database.db.query<{ delivery_id: string }[]>(
      'SELECT delivery_id FROM webhook_replays WHERE recovery_id = $1 ORDER BY delivery_id',
      [body.id],
    );
    const [, second, , fourth] = endpoint.deliveries;
    expect(queued.map((row) => row.delivery_id)).toEqual([first, second, fourth]);
  });

  it('counts without starting anything on a dry run, also where a recovery could not start', async () => {
    const endpoint = await failingEndpoint(4);
    const dry = await endpoint.recover({ dryRun: true });
    expect(dry.status).toBe(200);
    expect(dry.body).toMatchObject({ object: 'webhook_recovery', dryRun: true, total: 4 });
    await tenant.call('patch', endpoint.url, { status: 'disabled' });
    expect((await endpoint.recover({ dryRun: true })).body.total).toBe(4);
    const rows = await api.database.db.query<unknown[]>(
      'SELECT FROM webhook_recoveries WHERE endpoint_id = $1',
      [endpoint.id],
    );
    expect(rows).toHaveLength(0);
  });

  it('is done at once where nothing has failed', async () => {
    const endpoint = await failingEndpoint(0);
    const { status, body } = await endpoint.recover();
    expect(status).toBe(202);
    expect(body).toMatchObject({ status: 'done', total: 0, finishedAt: body.createdAt });
    expect(await commands(body.id)).toEqual([]);
  });

  it.each([
    ['no since', { since: null }, 'since'],
    ['a since that is no time', { since: 'yesterday' }, 'since'],
    ['a since in the future', { since: new Date(Date.now() + HOUR_MS).toISOString() }, 'since'],
    ['an until before since', { until: '2026-01-01' }, 'until'],
    ['an until that is no time', { until: 5 }, 'until'],
    ['no replays a second', { perSecond: 0 }, 'perSecond'],
    ['more than 200 a second', { perSecond: 201 }, 'perSecond'],
    ['a dry run that is no flag', { dryRun: 'yes' }, 'dryRun'],
  ])('refuses %s', async (_what, more, path) => {
    const endpoint = await failingEndpoint(0);
    const { status, body } = await endpoint.recover(more);
    expect(status).toBe(400);
    expect(body.code).toBe('invalid_request');
    expect(body.details.issues[0].path).toBe(path);
  });

  it('takes null for every optional field, as the published clients send it', async () => {
    const endpoint = await failingEndpoint(1);
    const more = { until: null, perSecond: null, dryRun: null };
    expect((await endpoint.recover(more)).status).toBe(202);
  });

  it('is refused while another one of the endpoint runs or is paused, with its id', async () => {
    const endpoint = await failingEndpoint(1);
    const { body: first } = await endpoint.recover();
    for (const act of ['pause', 'resume']) {
      const second = await endpoint.recover();
      expect(second.status).toBe(409);
      expect(second.body).toMatchObject({ code: 'conflict', details: { recoveryId: first.id } });
      await endpoint.decide(first.id, act);
    }
    await endpoint.decide(first.id, 'cancel');
    expect((await endpoint.recover()).status).toBe(202);
  });

  it('starts once for 20 requests at the same moment', async () => {
    const endpoint = await failingEndpoint(2);
    const answers = await Promise.all(Array.from({ length: 20 }, () => endpoint.recover()));
    const started = answers.filter(({ status }) => status === 202);
    expect(started).toHaveLength(1);
    const id = started[0]?.body.id as string;
    for (const { status, body } of answers) {
      if (status !== 202) expect(body.details).toEqual({ recoveryId: id });
    }
  });

  it('is answered again under its idempotency key, not started again', async () => {
    const endpoint = await failingEndpoint(1);
    const headers = { 'idempotency-key': 'recover-once' };
    const send = () => tenant.call('post', `${endpoint.url}/recover`, { since }, headers);
    const first = await send();
    const second = await send();
    expect(second.text).toBe(first.text);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
  });

  it('is refused for a disabled endpoint with 409, for a deleted one with 404', async () => {
    const endpoint = await failingEndpoint(1);
    await tenant.call('patch', endpoint.url, { status: 'disabled' });
    expect((await endpoint.recover()).body.code).toBe('conflict');
    await tenant.call('delete', endpoint.url);
    expect((await endpoint.recover()).body.code).toBe('not_found');
  });

  it('pauses, resumes and is cancelled, in force at once; the same decision again changes nothing', async () => {
    const endpoint = await failingEndpoint(1);
    const { id } = (await endpoint.recover()).body;
    for (const [act, status] of [
      ['pause', 'paused'],
      ['resume', 'running'],
      ['cancel', 'cancelled'],
    ] as const) {
      for (let again = 0; again < 2; again++) {
        expect(await endpoint.decide(id, act)).toMatchObject({ status: 200, body: { status } });
      }
    }
    expect((await endpoint.decide(id, 'resume')).body).toMatchObject({
      code: 'conflict',
      details: { status: 'cancelled' },
    });
    expect(await audited(id)).toEqual([
      'webhook_recovery.cancelled',
      'webhook_recovery.paused',
      'webhook_recovery.resumed',
      'webhook_recovery.started',
    ]);
    expect(await commands(id)).toHaveLength(4);
  });

  it('is paused with its endpoint’s disabling and resumed by hand, and cancelled with its deletion', async () => {
    const endpoint = await failingEndpoint(1);
    const { id } = (await endpoint.recover()).body;
    const shown = async () =>
      (await tenant.call('get', `${endpoint.url}/recoveries/${id}`)).body.status as string;
    await tenant.call('patch', endpoint.url, { status: 'disabled' });
    expect(await shown()).toBe('paused');
    expect((await endpoint.decide(id, 'resume')).body.code).toBe('conflict');
    await tenant.call('patch', endpoint.url, { status: 'active' });
    expect(await shown()).toBe('paused');
    expect((await endpoint.decide(id, 'resume')).body.status).toBe('running');
    await tenant.call('delete', endpoint.url);
    expect(await audited(id)).toContain('webhook_recovery.cancelled');
    const [row] = await api.database.db.query<{ status: string }[]>(
      'SELECT status FROM webhook_recoveries WHERE id = $1',
      [id],
    );
    expect(row?.status).toBe('cancelled');
  });

  it('is found at its own endpoint only', async () => {
    const [endpoint, other] = [await failingEndpoint(1), await failingEndpoint(0)];
    const { id } = (await endpoint.recover()).body;
    const path = `/recoveries/${id}`;
    expect((await tenant.call('get', other.url + path)).status).toBe(404);
    expect((await tenant.call('post', `${other.url}${path}/cancel`)).status).toBe(404);
  });
});

import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { artifactObjectKey, type Artifact } from '../../entities/artifact';
import { SCOPES } from '../../entities/api-key';
import { HOUR_MS } from '../../platform/clock';
import { manyEvents, openWorkshop, type Workshop } from '../support/artifacts';
import { send, startApi, type Answer, type Tenant, type TestApi } from '../support/api';
import { until } from '../support/until';

describe('artifacts', () => {
  let api: TestApi;
  let acme: Tenant;
  let workshop: Workshop;
  /** By how much the API's clock is ahead. */
  let aheadMs = 0;
  beforeAll(async () => {
    api = await startApi({}, { now: () => new Date(Date.now() + aheadMs) });
  });
  beforeEach(async () => {
    aheadMs = 0;
    acme = await api.newTenant();
    workshop = openWorkshop(api.database, acme.orgId, { folder: api.config.ARTIFACTS_FOLDER });
  });
  afterAll(async () => {
    rmSync(api.config.ARTIFACTS_FOLDER, { recursive: true, force: true });
    await api.close();
  });

  const create = (body: object = {}, headers = {}, tenant = acme): Promise<Answer> =>
    tenant.call('POST', '/v1/artifacts', { kind: 'json_bundle', ...body }, headers);
  /** One that is ready, with so many events in it. */
  async function ready(body: object = {}, events = 3): Promise<Answer['body']> {
    await manyEvents(api.database, acme.orgId, events);
    const { body: artifact } = await create(body);
    await workshop.build(artifact.id as string);
    return (await acme.call('GET', `/v1/artifacts/${artifact.id}`)).body;
  }
  const pathOf = (artifact: Artifact): string => join(workshop.folder, artifactObjectKey(artifact));
  /** Follows a link as a browser does: on the test's server, without a key. */
  const follow = (url: string, headers = {}): Promise<Answer> =>
    send(url.replace(api.config.PUBLIC_URL, api.url), 'GET', undefined, headers);
  const charges = (orgId = acme.orgId): Promise<{ status: string; amount_micros: string }[]> =>
    api.database.db.query(
      `SELECT status, amount_micros FROM charges WHERE org_id = $1 ORDER BY id`,
      [orgId],
    );
  const count = async (text: string): Promise<number> => {
    const rows = await api.database.db.query<{ n: number }[]>(text, [acme.orgId]);
    return rows[0]?.n ?? 0;
  };

  it('are asked for, built, and shown with a signed link, a manifest and a summary', async () => {
    const created = await create({ kind: 'csv_tablet' });
    expect(created.status).toBe(201);
    expect(created.headers.get('secapi-meter-class')).toBe('artifact_jobs');
    expect(created.body).toMatchObject({
      object: 'artifact',
      livemode: true,
      kind: 'csv_tablet',
      report: 'events',
      status: 'pending',
      downloadUrl: expect.stringMatching(/\/download$/),
      storageMode: 'local',
      objectKey: null,
      progress: { records: 0, totalRecords: null, percent: 0 },
    });
    const { id } = created.body;
    expect((await acme.call('GET', `/v1/artifacts/${id}/download`)).body).toMatchObject({
      code: 'conflict',
      details: { status: 'pending' },
    });
    expect((await acme.call('GET', `/v1/artifacts/${id}/manifest`)).body).toMatchObject({
      status: 'pending',
      byteLength: 0,
      checksumSha256: '',
    });
    await workshop.build(id as string);
    const shown = (await acme.call('GET', `/v1/artifacts/${id}`)).body;
    expect(shown).toMatchObject({
      status: 'ready',
      downloadUrl: expect.stringContaining('?token='),
      objectKey: `${acme.orgId}/${id}.csv`,
      progress: { percent: 100 },
    });
    const { text } = await acme.call('GET', `/v1/artifacts/${id}/download`);
    const manifest = (await acme.call('GET', `/v1/artifacts/${id}/manifest`)).body;
    expect(manifest).toMatchObject({
      object: 'artifact_manifest',
      id,
      artifactId: id,
      kind: 'csv_tablet',
      status: 'ready',
      filename: `events-${id}.csv`,
      contentType: 'text/csv; charset=utf-8',
      storageMode: 'local',
      byteLength: Buffer.byteLength(text),
      lineCount: text.split('\n').length - 1,
      checksumSha1: createHash('sha1').update(text).digest('hex'),
      checksumSha256: createHash('sha256').update(text).digest('hex'),
      filing: null,
      section: null,
      exportedFormats: [],
    });
    const summary = (await acme.call('GET', '/v1/artifacts/summary')).body;
    expect(summary).toMatchObject({
      object: 'artifact_summary',
      orgId: acme.orgId,
      rows: [
        {
          kind: 'csv_tablet',
          status: 'ready',
          storageMode: 'local',
          totalBytes: manifest.byteLength,
          count: 1,
        },
      ],
    });
    for (const [format, fields] of [
      ['json', { artifact: { id }, download: { object: 'artifact_download' } }],
      ['markdown', { artifact: { id }, content: expect.stringContaining('# events-art_') }],
      ['compact_json', { download: { artifactId: id } }],
    ] as const) {
      const answer = await acme.call('GET', `/v1/artifacts/${id}/export?format=${format}`);
      expect(answer.body).toMatchObject({
        object: 'artifact_export',
        artifactId: id,
        format,
        manifest: { checksumSha256: manifest.checksumSha256 },
        ...fields,
      });
    }
  });

  it('are listed newest first, by kind and status, page by page; bad filters are named', async () => {
    const made = [
      (await create()).body.id,
      (await create({ kind: 'csv_tablet' })).body.id,
      (await create()).body.id,
    ];
    await workshop.build(made[0] as string);
    const list = async (query: string) =>
      (await acme.call('GET', `/v1/artifacts?${query}`)).body.data.map(
        ({ id }: { id: string }) => id,
      );
    expect(await list('')).toEqual([...made].reverse());
    expect(await list('kind=csv_tablet')).toEqual([made[1]]);
    expect(await list('status=ready')).toEqual([made[0]]);
    const first = (await acme.call('GET', '/v1/artifacts?limit=2')).body;
    expect(await list(`limit=2&cursor=${first.nextCursor}`)).toEqual([made[0]]);
    for (const [query, path] of [
      ['kind=zip', 'kind'],
      ['status=done', 'status'],
      ['limit=0', 'limit'],
    ]) {
      const refused = await acme.call('GET', `/v1/artifacts?${query}`);
      expect(refused.body.details.issues[0].path).toBe(path);
    }
    const ahead = new Date(Date.now() + HOUR_MS).toISOString();
    for (const [body, path] of [
      [{ kind: 'zip' }, 'kind'],
      [{ report: 'weather' }, 'report'],
      [{ since: 'soon' }, 'since'],
      [{ since: ahead }, 'since'],
      [{ since: '2026-02-01', until: '2026-01-01' }, 'since'],
    ] as const) {
      expect((await create(body)).body.details.issues[0].path).toBe(path);
    }
  });

  describe('cost', () => {
    it('one artifact job, once, whatever is sent again within a day', async () => {
      const key = { 'idempotency-key': 'report-of-march' };
      const first = await create({}, key);
      const again = await create({}, key);
      expect(again.body.id).toBe(first.body.id);
      await api.database.db.query(`DELETE FROM idempotency_keys`);
      expect((await create({}, key)).body.id).toBe(first.body.id);
      const [charge, ...more] = await charges();
      expect(charge).toMatchObject({ status: 'charged' });
      expect(Number(charge?.amount_micros)).toBeGreaterThan(0);
      expect(more).toEqual([]);
      const budget = (await acme.call('GET', '/v1/billing')).body.budget;
      expect(budget.lineItems).toMatchObject([{ meterFamily: 'artifact_jobs', requestCount: 1 }]);
      await api.database.db.query(
        `UPDATE artifacts SET created_at = created_at - interval '25 hours' WHERE id = $1`,
        [first.body.id],
      );
      await api.database.db.query(`DELETE FROM idempotency_keys`);
      const later = await create({}, key);
      expect(later.status).toBe(201);
      expect(later.body.id).not.toBe(first.body.id);
    });

    it('nothing where they are refused: over the cap, over the threshold, by bad input', async () => {
      await acme.call('PUT', '/v1/billing/budget', { spendCapCents: 0 });
      expect((await create()).body.code).toBe('billing_budget_hard_cap_exceeded');
      await acme.call('PUT', '/v1/billing/budget', {
        spendCapCents: null,
        approvalThresholdCents: 0,
      });
      const refused = await create();
      expect(refused.body).toMatchObject({
        code: 'billing_budget_approval_required',
        details: { approvalId: expect.stringMatching(/^bap_/) },
      });
      expect(refused.headers.get('secapi-estimated-cost')).toBe('$0.0000');
      await create({ kind: 'zip' });
      expect(await charges()).toEqual([]);
      expect(await count(`SELECT count(*)::int AS n FROM artifacts WHERE org_id = $1`)).toBe(0);
    });

    it('one call of the free grant', async () => {
      acme = await api.newTenant({ planKey: 'sandbox_grant' });
      expect((await create()).status).toBe(201);
      expect((await acme.call('GET', '/v1/billing')).body).toMatchObject({ freeGrantUsed: 1 });
      await api.database.db.query(`UPDATE budget_periods SET grant_used = 250 WHERE org_id = $1`, [
        acme.orgId,
      ]);
      expect((await create()).body).toMatchObject({
        code: 'billing_required',
        details: { reason: 'starter_grant_exhausted' },
      });
    });

    it('nothing to a test key, which sees test artifacts alone', async () => {
      const test = await api.newKey(acme.orgId, { livemode: false });
      const live = (await create()).body;
      const mine = (await create({}, {}, test)).body;
      expect(mine.livemode).toBe(false);
      expect((await create({ livemode: true }, {}, test)).body.code).toBe('insufficient_scope');
      expect((await charges()).map(({ amount_micros }) => Number(amount_micros) > 0)).toEqual([
        true,
        false,
      ]);
      const listed = (await test.call('GET', '/v1/artifacts')).body.data;
      expect(listed.map(({ id }: { id: string }) => id)).toEqual([mine.id]);
      expect((await test.call('GET', `/v1/artifacts/${live.id}`)).status).toBe(404);
    });
  });

  describe('downloads', () => {
    it('stream the file with its name, size and checksum; a part of it where asked', async () => {
      const { id } = await ready({ kind: 'csv_tablet' });
      const path = `/v1/artifacts/${id}/download`;
      const whole = await acme.call('GET', path);
      const sha256 = createHash('sha256').update(whole.text).digest('hex');
      const size = Buffer.byteLength(whole.text);
      expect(Object.fromEntries(whole.headers)).toMatchObject({
        etag: `"${sha256}"`,
        'content-length': String(size),
        'content-disposition': `attachment; filename="events-${id}.csv"`,
        'accept-ranges': 'bytes',
      });
      const part = async (range: string, more = {}) =>
        acme.call('GET', path, undefined, { range, ...more });
      for (const [range, text] of [
        ['bytes=0-9', whole.text.slice(0, 10)],
        [`bytes=${size - 5}-`, whole.text.slice(-5)],
        ['bytes=-7', whole.text.slice(-7)],
      ] as const) {
        const answer = await part(range);
        expect(answer).toMatchObject({ status: 206, text });
        expect(answer.headers.get('content-range')).toContain(`/${size}`);
      }
      for (const range of ['bytes=9999999-', 'bytes=5-1', 'lines=1-2', 'bytes=0-1,3-4']) {
        expect((await part(range)).status).toBe(200);
      }
      expect((await part('bytes=0-9', { 'if-range': '"other"' })).status).toBe(200);
      expect((await part('', { 'if-none-match': `"${sha256}"` })).status).toBe(304);
      const head = await acme.call('HEAD', path);
      expect(head.headers.get('content-length')).toBe(String(size));
    });

    it('answer a link instead to clients that parse everything as JSON', async () => {
      const { id } = await ready({ kind: 'csv_tablet' });
      const path = `/v1/artifacts/${id}/download`;
      const answer = await acme.call('GET', path, undefined, { accept: 'application/json' });
      expect(answer.body).toMatchObject({
        object: 'artifact_download',
        artifactId: id,
        expiresAt: expect.any(String),
      });
      const table = await follow(answer.body.downloadUrl as string);
      expect(table.headers.get('content-type')).toBe('text/csv; charset=utf-8');
      expect(table.text.trim().split('\r\n')).toHaveLength(4);
      const either = { accept: 'application/json, text/csv' };
      expect((await acme.call('GET', path, undefined, either)).text).toBe(table.text);
    });

    it('by link need no key, for an hour; changed by one character or late they are 403', async () => {
      const { id, downloadUrl } = await ready();
      expect((await follow(downloadUrl as string)).body).toMatchObject({ artifactId: id });
      const [base = '', token = ''] = (downloadUrl as string).split('?token=');
      const other = (char: string): string => (char === '1' ? '2' : '1');
      const forged = [...token].map(
        (char, i) => `${base}?token=${token.slice(0, i)}${other(char)}${token.slice(i + 1)}`,
      );
      const lastOf = base.lastIndexOf('/');
      const changed = base[lastOf - 1] ?? '';
      forged.push(`${base.slice(0, lastOf - 1)}${other(changed)}/download?token=${token}`);
      forged.push(`${base}?token=`, `${base}?token=${token}.`);
      for (const url of forged) {
        const { status, body } = await follow(url);
        expect([url, status, body.code, body.details.reason]).toEqual([
          url,
          403,
          'insufficient_scope',
          'link_invalid',
        ]);
      }
      aheadMs = HOUR_MS + 1_000;
      expect((await follow(downloadUrl as string)).body).toMatchObject({
        code: 'insufficient_scope',
        message: 'This download link has expired.',
        details: { reason: 'link_expired' },
      });
    });

    it('of audit records are for who manages members, links included', async () => {
      const body = { report: 'audit', kind: 'csv_tablet' };
      const writer = await api.newKey(acme.orgId, { scopes: ['read:sec', 'write:artifacts'] });
      expect((await create(body, {}, writer)).body).toMatchObject({
        code: 'insufficient_scope',
        details: { required: ['members:manage'] },
      });
      await acme.call('POST', '/v1/webhook_endpoints', { destinationUrl: 'http://127.0.0.1:1/' });
      const { id, downloadUrl } = await ready(body);
      expect((await follow(downloadUrl as string)).text).toContain('webhook_endpoint.created');
      const seen = (await writer.call('GET', `/v1/artifacts/${id}`)).body;
      expect(seen.downloadUrl).toMatch(/\/download$/);
      const refused = await writer.call('GET', `/v1/artifacts/${id}/download`);
      expect(refused.body.details.required).toEqual(['members:manage']);
      const told = (await writer.call('GET', `/v1/artifacts/${id}/export`)).body;
      expect(told.download).toBeUndefined();
    });
  });

  describe('reconciling', () => {
    const reconcile = (id: string, headers = {}): Promise<Answer> =>
      acme.call('POST', `/v1/artifacts/${id}/reconcile`, undefined, headers);
    const asked = (): Promise<number> =>
      count(`SELECT count(*)::int AS n FROM artifacts WHERE org_id = $1 AND status = 'pending'`);

    it('confirms a whole file, tells so and is audited', async () => {
      const { id } = await ready();
      expect((await reconcile(id as string)).body).toMatchObject({
        object: 'artifact_reconciliation',
        id,
        artifactId: id,
        status: 'local_only',
        storageMode: 'local',
        objectKey: `${acme.orgId}/${id}.json`,
      });
      const events = (await acme.call('GET', '/v1/events?type=artifact.reconciled')).body.data;
      expect(events).toMatchObject([{ data: { artifactId: id, outcome: 'local_only' } }]);
      const { data } = (await acme.call('GET', '/v1/audit/records')).body;
      expect(data.map(({ action }: { action: string }) => action)).toEqual([
        'artifact.reconciled',
        'artifact.ready',
        'artifact.created',
      ]);
      expect((await acme.call('GET', '/v1/audit/verify')).body.ok).toBe(true);
    });

    it.each(['damaged', 'missing'])('makes a %s file again, to the same bytes', async (how) => {
      const artifact = await ready();
      const id = artifact.id as string;
      const before = await acme.call('GET', `/v1/artifacts/${id}/download`);
      if (how === 'missing') rmSync(pathOf(artifact as Artifact));
      else writeFileSync(pathOf(artifact as Artifact), before.text.slice(1));
      expect((await acme.call('GET', `/v1/artifacts/${id}/download`)).body).toMatchObject({
        code: 'conflict',
        details: { reason: 'file_damaged' },
      });
      const answer = reconcile(id, { 'x-request-id': `repair-${how}` });
      await until(asked, (n) => n === 1);
      expect((await reconcile(id)).body).toMatchObject({ code: 'conflict' });
      await workshop.build(id);
      expect((await answer).body).toMatchObject({ status: 'recovered' });
      expect((await acme.call('GET', `/v1/artifacts/${id}/download`)).text).toBe(before.text);
      const told = await acme.call('GET', `/v1/diagnostics/requests/repair-${how}?explain=true`);
      expect(told.body).toMatchObject({ artifacts: [{ id }], summary: { artifactCount: 1 } });
      expect(told.body.events.map(({ type }: { type: string }) => type)).toEqual([
        'artifact.reconciled',
      ]);
    });

    it('says clearly that a file can’t be made again, and notices when it comes back', async () => {
      const artifact = await ready();
      const id = artifact.id as string;
      const { text } = await acme.call('GET', `/v1/artifacts/${id}/download`);
      rmSync(pathOf(artifact as Artifact));
      await api.database.db.query(`DELETE FROM events WHERE org_id = $1 AND type LIKE 'filing.%'`, [
        acme.orgId,
      ]);
      const answer = reconcile(id);
      await until(asked, (n) => n === 1);
      await workshop.build(id);
      expect((await answer).body).toMatchObject({
        code: 'conflict',
        message: expect.stringContaining('no longer kept'),
        details: { status: 'failed', reason: 'records_changed' },
      });
      expect((await acme.call('GET', `/v1/artifacts/${id}/download`)).body.code).toBe('conflict');
      writeFileSync(pathOf(artifact as Artifact), text);
      expect((await reconcile(id)).body).toMatchObject({ status: 'recovered' });
      expect((await acme.call('GET', `/v1/artifacts/${id}/download`)).text).toBe(text);
    });
  });

  it('show in the diagnostics of the request that asked for them, and to operators', async () => {
    const { body } = await create({ kind: 'markdown_bundle' }, { 'x-request-id': 'the-report' });
    await workshop.build(body.id as string);
    const told = (await acme.call('GET', '/v1/diagnostics/requests/the-report?explain=true')).body;
    expect(told).toMatchObject({
      artifacts: [{ object: 'artifact', id: body.id, status: 'ready' }],
      summary: {
        artifactCount: 1,
        meterClasses: [{ meterClass: 'artifact_jobs', count: 1 }],
      },
    });
    const story = told.story.map(({ text }: { text: string }) => text).join('\n');
    expect(story).toContain('sent POST /v1/artifacts; it was answered 201');
    expect(story).toContain(`the markdown bundle of events (${body.id}) was ready: 0 records`);
    const operator = await api.newKey(acme.orgId, { scopes: SCOPES });
    const snapshot = (await operator.call('GET', `/v1/admin/orgs/${acme.orgId}`)).body;
    expect(snapshot.artifacts).toMatchObject([{ id: body.id }]);
  });
});

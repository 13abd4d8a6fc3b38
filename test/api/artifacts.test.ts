import { createHash } from 'node:crypto';
import { SCOPES } from '../../entities/api-key';
import { HOUR_MS } from '../../platform/clock';
import { artifactDesk } from '../support/artifacts';

describe('artifacts', () => {
  const desk = artifactDesk();

  it('are asked for, built, and shown with a signed link, a manifest and a summary', async () => {
    const created = await desk.create({ kind: 'csv_tablet' });
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
    expect((await desk.acme.call('GET', `/v1/artifacts/${id}/download`)).body).toMatchObject({
      code: 'conflict',
      details: { status: 'pending' },
    });
    expect((await desk.acme.call('GET', `/v1/artifacts/${id}/manifest`)).body).toMatchObject({
      status: 'pending',
      byteLength: 0,
      checksumSha256: '',
    });
    await desk.workshop.build(id as string);
    const shown = (await desk.acme.call('GET', `/v1/artifacts/${id}`)).body;
    expect(shown).toMatchObject({
      status: 'ready',
      downloadUrl: expect.stringContaining('?token='),
      objectKey: `${desk.acme.orgId}/${id}.csv`,
      progress: { percent: 100 },
    });
    const { text } = await desk.acme.call('GET', `/v1/artifacts/${id}/download`);
    const manifest = (await desk.acme.call('GET', `/v1/artifacts/${id}/manifest`)).body;
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
    const summary = (await desk.acme.call('GET', '/v1/artifacts/summary')).body;
    expect(summary).toMatchObject({
      object: 'artifact_summary',
      orgId: desk.acme.orgId,
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
      const answer = await desk.acme.call('GET', `/v1/artifacts/${id}/export?format=${format}`);
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
      (await desk.create()).body.id,
      (await desk.create({ kind: 'csv_tablet' })).body.id,
      (await desk.create()).body.id,
    ];
    await desk.workshop.build(made[0] as string);
    const list = async (query: string) =>
      (await desk.acme.call('GET', `/v1/artifacts?${query}`)).body.data.map(
        ({ id }: { id: string }) => id,
      );
    expect(await list('')).toEqual([...made].reverse());
    expect(await list('kind=csv_tablet')).toEqual([made[1]]);
    expect(await list('status=ready')).toEqual([made[0]]);
    const first = (await desk.acme.call('GET', '/v1/artifacts?limit=2')).body;
    expect(await list(`limit=2&cursor=${first.nextCursor}`)).toEqual([made[0]]);
    for (const [query, path] of [
      ['kind=zip', 'kind'],
      ['status=done', 'status'],
      ['limit=0', 'limit'],
    ]) {
      const refused = await desk.acme.call('GET', `/v1/artifacts?${query}`);
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
      expect((await desk.create(body)).body.details.issues[0].path).toBe(path);
    }
  });

  it('show in the diagnostics of the request that asked for them, and to operators', async () => {
    const { body } = await desk.create(
      { kind: 'markdown_bundle' },
      { 'x-request-id': 'the-report' },
    );
    await desk.workshop.build(body.id as string);
    const told = (await desk.acme.call('GET', '/v1/diagnostics/requests/the-report?explain=true'))
      .body;
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
    const operator = await desk.api.newKey(desk.acme.orgId, { scopes: SCOPES });
    const snapshot = (await operator.call('GET', `/v1/admin/orgs/${desk.acme.orgId}`)).body;
    expect(snapshot.artifacts).toMatchObject([{ id: body.id }]);
  });
});

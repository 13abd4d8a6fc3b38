import { createHash } from 'node:crypto';
import { HOUR_MS } from '../../platform/clock';
import { send, type Answer } from '../support/api';
import { artifactDesk } from '../support/artifacts';

describe('downloads of artifacts', () => {
  const desk = artifactDesk();
  /** Follows a link as a browser does: on the test's server, without a key. */
  const follow = (url: string, headers = {}): Promise<Answer> =>
    send(url.replace(desk.api.config.PUBLIC_URL, desk.api.url), 'GET', undefined, headers);

  it('stream the file with its name, size and checksum; a part of it where asked', async () => {
    const { id } = await desk.ready({ kind: 'csv_tablet' });
    const path = `/v1/artifacts/${id}/download`;
    const whole = await desk.acme.call('GET', path);
    const sha256 = createHash('sha256').update(whole.text).digest('hex');
    const size = Buffer.byteLength(whole.text);
    expect(Object.fromEntries(whole.headers)).toMatchObject({
      etag: `"${sha256}"`,
      'content-length': String(size),
      'content-disposition': `attachment; filename="events-${id}.csv"`,
      'accept-ranges': 'bytes',
    });
    const part = async (range: string, more = {}) =>
      desk.acme.call('GET', path, undefined, { range, ...more });
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
    const head = await desk.acme.call('HEAD', path);
    expect(head.headers.get('content-length')).toBe(String(size));
  });

  it('answer a link instead to clients that parse everything as JSON', async () => {
    const { id } = await desk.ready({ kind: 'csv_tablet' });
    const path = `/v1/artifacts/${id}/download`;
    const answer = await desk.acme.call('GET', path, undefined, { accept: 'application/json' });
    expect(answer.body).toMatchObject({
      object: 'artifact_download',
      artifactId: id,
      expiresAt: expect.any(String),
    });
    const table = await follow(answer.body.downloadUrl as string);
    expect(table.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(table.text.trim().split('\r\n')).toHaveLength(4);
    const either = { accept: 'application/json, text/csv' };
    expect((await desk.acme.call('GET', path, undefined, either)).text).toBe(table.text);
  });

  it('by link need no key, for an hour; changed by one character or late they are 403', async () => {
    const { id, downloadUrl } = await desk.ready();
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
    desk.aheadMs = HOUR_MS + 1_000;
    expect((await follow(downloadUrl as string)).body).toMatchObject({
      code: 'insufficient_scope',
      message: 'This download link has expired.',
      details: { reason: 'link_expired' },
    });
  });

  it('of audit records are for who manages members, links included', async () => {
    const body = { report: 'audit', kind: 'csv_tablet' };
    const writer = await desk.api.newKey(desk.acme.orgId, {
      scopes: ['read:sec', 'write:artifacts'],
    });
    expect((await desk.create(body, {}, writer)).body).toMatchObject({
      code: 'insufficient_scope',
      details: { required: ['members:manage'] },
    });
    await desk.acme.call('POST', '/v1/webhook_endpoints', {
      destinationUrl: 'http://127.0.0.1:1/',
    });
    const { id, downloadUrl } = await desk.ready(body);
    expect((await follow(downloadUrl as string)).text).toContain('webhook_endpoint.created');
    const seen = (await writer.call('GET', `/v1/artifacts/${id}`)).body;
    expect(seen.downloadUrl).toMatch(/\/download$/);
    const refused = await writer.call('GET', `/v1/artifacts/${id}/download`);
    expect(refused.body.details.required).toEqual(['members:manage']);
    const told = (await writer.call('GET', `/v1/artifacts/${id}/export`)).body;
    expect(told.download).toBeUndefined();
  });
});

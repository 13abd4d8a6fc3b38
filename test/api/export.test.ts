import { randomBytes } from 'node:crypto';
import { get, type IncomingMessage } from 'node:http';
import { text as textOf } from 'node:stream/consumers';
import { createGunzip } from 'node:zlib';
import { Client } from 'pg';
import { postgresUrl } from '../../devstack/postgres';
import { createLog } from '../../platform/log';
import { startApi, type Answer, type Tenant, type TestApi } from '../support/api';
import { systemClock } from '../../platform/clock';
import { manyEvents } from '../support/artifacts';
import { until } from '../support/until';

const EXPORT = '/v1/events/export';

describe('an export of the event log', () => {
  const logged: Record<string, unknown>[] = [];
  let api: TestApi;
  let acme: Tenant;
  beforeAll(async () => {
    const write = (line: string): void =>
      void logged.push(JSON.parse(line) as Record<string, unknown>);
    api = await startApi({}, systemClock, createLog('test', 'info', { write }));
  });
  beforeEach(async () => {
    acme = await api.newTenant();
  });
  afterAll(() => api.close());

  const publish = (data: object | string, headers = {}, tenant = acme): Promise<Answer> => {
    const text = typeof data === 'string' ? data : JSON.stringify(data);
    const body = `{"type":"filing.published","data":${text}}`;
    return tenant.call('POST', '/v1/events', body, headers);
  };
  /** Waits until an export holds so many records: transactions of the whole cluster, other tests' too, hold them back. */
  const exported = (count: number, tenant = acme): Promise<Answer> =>
    until(
      () => tenant.call('GET', EXPORT),
      ({ body }) => body.count === count,
    );
  const publishMany = async (count: number): Promise<string[]> => {
    const made: string[] = [];
    for (let i = 0; i < count; i++) made.push((await publish({ i })).body.id as string);
    await exported(count);
    return made;
  };
  const linesOf = (text: string) =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string; exportCursor: string });
  /** The raw answer, as its bytes come. */
  const open = (query: string, headers: Record<string, string> = {}): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      get(`${api.url}${EXPORT}?${query}`, { headers: { 'x-api-key': acme.key, ...headers } })
        .on('response', resolve)
        .on('error', reject);
    });
  /** Events with so much in each that nothing packs: the same text comes again only behind what gzip remembers. */
  const fill = async (count: number, bytes = 0): Promise<void> => {
    await api.database.db.query(
      `INSERT INTO events (id, org_id, livemode, type, body, data_start, request_id, occurred_at, created_at)
       SELECT 'evt_' || replace(uuidv7()::text, '-', ''), $1, true, 'filing.published',
         '{"data":{"pad":"' || $3::text || '"}}', 8, 'req_filled', now(), now()
       FROM generate_series(1, $2::int) n`,
      [acme.orgId, count, randomBytes(bytes).toString('base64')],
    );
    await until(
      () => acme.call('GET', `${EXPORT}?limit=1`),
      ({ body }) => body.count === 1,
    );
  };
  const ended = (requestId: string): Promise<Record<string, unknown> | undefined> =>
    until(
      async () =>
        logged.find((line) => line['msg'] === 'export ended' && line['requestId'] === requestId),
      (line) => line !== undefined,
    );

  it('is oldest first: JSON in an envelope of 1,000 unless said, that says how to go on', async () => {
    const made = await publishMany(4);
    const { body } = await acme.call('GET', `${EXPORT}?limit=3`);
    expect(body).toMatchObject({ object: 'event_export', format: 'json', count: 3 });
    const content = JSON.parse(body.content as string) as { id: string }[];
    expect(content.map(({ id }) => id)).toEqual(made.slice(0, 3));
    const rest = await acme.call('GET', `/v1/delivery/events/export?cursor=${body.nextCursor}`);
    expect(rest.body).toMatchObject({ count: 1, nextCursor: null });
    await fill(10_100);
    expect((await acme.call('GET', EXPORT)).body.count).toBe(1_000);
    expect((await acme.call('GET', `${EXPORT}?limit=99999`)).body.count).toBe(10_000);
  });

  it('is NDJSON that goes on from any line’s cursor, and an envelope of lines where JSON is asked for', async () => {
    const made = await publishMany(4);
    const stream = await acme.call('GET', `${EXPORT}?format=ndjson`);
    expect(stream.headers.get('content-type')).toContain('application/x-ndjson');
    const lines = linesOf(stream.text);
    expect(lines.map(({ id }) => id)).toEqual(made);
    const on = await acme.call(
      'GET',
      `${EXPORT}?format=ndjson&cursor=${lines[1]?.exportCursor ?? ''}`,
    );
    expect(linesOf(on.text).map(({ id }) => id)).toEqual(made.slice(2));
    const parsed = await acme.call('GET', `${EXPORT}?format=ndjson`, undefined, {
      accept: 'application/json',
    });
    expect(parsed.body).toMatchObject({ object: 'event_export', format: 'ndjson', count: 4 });
    expect(linesOf(parsed.body.content as string).map(({ id }) => id)).toEqual(made);
  });

  it('keeps a record on its line, however its data was written', async () => {
    await publish('{\n  "a": 1,\r\n  "big": 12345678901234567890\n}');
    await exported(1);
    const { text } = await acme.call('GET', `${EXPORT}?format=ndjson`);
    expect(text.match(/\n/g)).toHaveLength(1);
    expect(text).toContain('12345678901234567890');
    expect(JSON.parse(text)).toMatchObject({ data: { a: 1 } });
  });

  it('is CSV whose cells no spreadsheet runs, that goes on from a row’s cursor', async () => {
    await publish({ a: 1 }, { 'x-request-id': '-1_2' });
    await publish({ a: 2 });
    await exported(2);
    const { headers, text } = await acme.call('GET', `${EXPORT}?format=csv`);
    expect(headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const [head, first] = text.trim().split('\r\n');
    expect(head).toMatch(/^kind,recordedAt,requestId,id,.*,data,exportCursor$/);
    expect(first).toContain(",'-1_2,evt_");
    // One that begins with a minus is defused in its cell, like any other.
    const cursor = first?.split(',').at(-1)?.replace(/^'/, '') ?? '';
    for (const sent of [cursor, `'${cursor}`]) {
      const on = await acme.call('GET', `${EXPORT}?format=csv&cursor=${encodeURIComponent(sent)}`);
      expect(on.text.trim().split('\r\n')).toHaveLength(2);
    }
    const nothing = await acme.call('GET', `${EXPORT}?format=csv&type=monitor.match`);
    expect(nothing.text).toBe(`${head}\r\n`);
  });

  it('is compressed where that is asked for, streams and envelopes', async () => {
    await fill(600, 150);
    for (const query of ['format=ndjson', 'format=csv', 'limit=600']) {
      const plain = await textOf(await open(query));
      const packed = await open(query, { 'accept-encoding': 'gzip' });
      expect(packed.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
      const unpacked = await textOf(packed.pipe(createGunzip()));
      expect(unpacked.length).toBe(plain.length);
    }
    const refused = await open('format=ndjson', { 'accept-encoding': 'gzip;q=0' });
    expect(refused.headers['content-encoding']).toBeUndefined();
    refused.destroy();
  });

  it('stops the work when its reader leaves', async () => {
    await fill(600, 26_000);
    const answer = await open('format=ndjson', { 'x-request-id': 'leaver' });
    await new Promise((resolve) => answer.once('data', resolve));
    answer.destroy();
    const line = await ended('leaver');
    expect(line).toMatchObject({ end: 'left', format: 'ndjson', orgId: acme.orgId });
    expect(line?.['records']).toBeLessThan(600);
  });

  it.each(['identity', 'gzip'])(
    'breaks off (%s) when the database is lost in the middle, and goes on from the last whole line',
    async (encoding) => {
      await fill(600, 26_000);
      const requestId = `lost-${encoding}`;
      const answer = await open('format=ndjson', {
        'x-request-id': requestId,
        'accept-encoding': encoding,
      });
      const body = encoding === 'gzip' ? answer.pipe(createGunzip()) : answer;
      // The first bytes are there; the reader reads no further until the database is away.
      await new Promise((resolve) => answer.once('readable', resolve));
      const back = await withoutDatabase(api);
      let text = '';
      const failure = await (async () => {
        answer.on('error', (error) => body.destroy(error));
        for await (const chunk of body) text += String(chunk);
      })().catch((error: unknown) => error);
      await back();
      expect(failure).toMatchObject({ code: expect.stringMatching(/ECONNRESET|Z_BUF_ERROR/) });
      expect(await ended(requestId)).toMatchObject({ end: 'broken' });
      const whole = linesOf(text.slice(0, text.lastIndexOf('\n')));
      const cursor = whole.at(-1)?.exportCursor ?? '';
      const rest = linesOf(await textOf(await open(`format=ndjson&cursor=${cursor}`)));
      expect(whole.length).toBeGreaterThan(0);
      const ids = [...whole, ...rest].map(({ id }) => id);
      expect(ids).toHaveLength(600);
      expect(new Set(ids).size).toBe(600);
    },
  );

  it('is itself audited, with what was asked for', async () => {
    await acme.call('GET', `${EXPORT}?format=csv&kind=event&since=2020-01-01`);
    const { body } = await acme.call('GET', '/v1/audit/records?action=events.exported');
    expect(body.data).toMatchObject([
      {
        target: { type: 'organization', id: acme.orgId },
        after: {
          format: 'csv',
          kind: 'event',
          type: null,
          requestId: null,
          since: '2020-01-01T00:00:00.000Z',
        },
      },
    ]);
    expect((await acme.call('GET', '/v1/audit/verify')).body).toMatchObject({ ok: true });
  });

  it('refuses what is no filter of it, and cursors of lists, with the path', async () => {
    await publishMany(2);
    const list = (await acme.call('GET', '/v1/events?limit=1')).body.nextCursor as string;
    for (const [query, path] of [
      ['format=xml', 'format'],
      ['kind=rumour', 'kind'],
      ['since=soon', 'since'],
      ['livemode=maybe', 'livemode'],
      ['limit=0', 'limit'],
      ['limit=-1', 'limit'],
      ['limit=abc', 'limit'],
      ['format=ndjson&limit=1.5', 'limit'],
    ]) {
      const refused = await acme.call('GET', `${EXPORT}?${query}`);
      expect(refused.status).toBe(400);
      expect(refused.body.details.issues[0].path).toBe(path);
    }
    const foreign = await acme.call('GET', `${EXPORT}?format=ndjson&cursor=${list}`);
    expect(foreign.body.code).toBe('invalid_cursor');
  });

  it('holds live records back from a test key, in every form', async () => {
    const test = await api.newKey(acme.orgId, { livemode: false });
    await publish({});
    const mine = (await publish({}, {}, test)).body.id as string;
    await exported(2);
    const lines = await test.call('GET', `${EXPORT}?format=ndjson`);
    expect(linesOf(lines.text).map(({ id }) => id)).toEqual([mine]);
    const table = await test.call('GET', `${EXPORT}?format=csv`);
    expect(table.text.trim().split('\r\n')).toHaveLength(2);
    expect((await acme.call('GET', `${EXPORT}?livemode=false`)).body.count).toBe(1);
  });

  describe('of large bodies', () => {
    const ids = ({ body }: Answer): string[] => body.data.map(({ id }: { id: string }) => id);

    it('ends an envelope early and says how to go on; no other page holds them all either', async () => {
      await manyEvents(api.database, acme.orgId, 40, { text: 'x'.repeat(2 ** 20) });
      await until(
        () => acme.call('GET', `/v1/events/export?limit=1`),
        ({ body }) => body.count === 1,
      );
      const first = await acme.call('GET', `${EXPORT}?limit=10000`);
      expect(first.body.count).toBeLessThan(40);
      const rest = await acme.call('GET', `${EXPORT}?cursor=${first.body.nextCursor}`);
      expect(first.body.count + rest.body.count).toBe(40);
      expect(rest.body.nextCursor).toBeNull();
      const lines = await acme.call('GET', `${EXPORT}?format=ndjson`);
      expect(linesOf(lines.text)).toHaveLength(40);
      const seen: string[] = [];
      for (let cursor = ''; ;) {
        const page = await acme.call('GET', `/v1/events?limit=30${cursor}`);
        expect(page.body.data.length).toBeLessThan(30);
        seen.push(...ids(page));
        if (!page.body.hasMore) break;
        cursor = `&cursor=${page.body.nextCursor}`;
      }
      expect(new Set(seen).size).toBe(40);
    }, 60_000);

    it('takes any number for a limit', async () => {
      await publishMany(1);
      const { body } = await acme.call('GET', `${EXPORT}?limit=99999999999999999999`);
      expect(body.count).toBe(1);
    });
  });
});

/** Takes the API's database away: its connections are cut and no new ones let in. Answers what brings it back. */
async function withoutDatabase(api: TestApi): Promise<() => Promise<void>> {
  const name = new URL(api.database.url).pathname.slice(1);
  const port = Number(process.env['TEST_POSTGRES_PORT']);
  const admin = new Client({ connectionString: postgresUrl(port, 'postgres') });
  await admin.connect();
  await admin.query(`ALTER DATABASE ${name} CONNECTION LIMIT 0`);
  await admin.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
  await admin.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`,
  );
  return async () => {
    await admin.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
    await admin.query(`ALTER DATABASE ${name} CONNECTION LIMIT -1`);
    await admin.end();
  };
}

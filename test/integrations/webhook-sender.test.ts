import { createServer as createHttp, type RequestListener, type Server } from 'node:http';
import {
  createServer as createTcp,
  type AddressInfo,
  type Server as TcpServer,
  type Socket,
} from 'node:net';
import fc from 'fast-check';
import {
  checkDestination,
  createWebhookSender,
  parseRetryAfter,
  type WebhookSender,
} from '../../integrations/webhook-sender';
import { isPublicAddress } from '../../integrations/webhook-sender/destination-guard';
import { excerptOf } from '../../integrations/webhook-sender/response-excerpt';

describe('sending to a stranger', () => {
  let sender: WebhookSender;
  const servers: (Server | TcpServer)[] = [];
  const sockets = new Set<Socket>();
  beforeAll(() => {
    sender = createWebhookSender({ allowPrivate: true, timeoutMs: 400 });
  });
  afterAll(async () => {
    await sender.close();
    for (const socket of sockets) socket.destroy();
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  });

  async function listen(server: Server | TcpServer): Promise<string> {
    servers.push(server);
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  const http = (handler: RequestListener) => listen(createHttp(handler));
  const tcp = (handler: (socket: Socket) => void) => listen(createTcp(handler));
  const send = (url: string) =>
    sender.send({ url, headers: { 'content-type': 'application/json' }, body: Buffer.from('{}') });

  it.each([200, 201, 204, 299])('counts %i as success', async (status) => {
    const url = await http((_request, response) => response.writeHead(status).end());
    expect(await send(url)).toMatchObject({ ok: true, httpStatus: status, error: null });
  });

  it('does not follow a redirect', async () => {
    let asked = 0;
    const url = await http((_request, response) => {
      asked += 1;
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    expect(await send(url)).toMatchObject({ ok: false, httpStatus: 302, error: 'redirect' });
    expect(asked).toBe(1);
  });

  it('names a refusal by its status and hands on Retry-After', async () => {
    const url = await http((_request, response) =>
      response.writeHead(503, { 'retry-after': '7' }).end('busy'),
    );
    expect(await send(url)).toMatchObject({
      error: 'http_503',
      retryAfter: '7',
      responseBody: 'busy',
    });
  });

  it('gives up on an endpoint that hangs', async () => {
    const url = await http(() => undefined);
    expect(await send(url)).toMatchObject({ ok: false, httpStatus: null, error: 'timeout' });
  });

  it('counts a 2xx whose body never ends, and stops reading', async () => {
    const url = await http((_request, response) => {
      response.writeHead(200);
      response.write('first words');
    });
    const outcome = await send(url);
    expect(outcome).toMatchObject({ ok: true, httpStatus: 200, responseBody: 'first words' });
  });

  it('reads at most 16 KiB of an endless body and keeps 1 KiB', async () => {
    let sent = 0;
    const url = await http((_request, response) => {
      const chunk = Buffer.alloc(65_536, 'x');
      const pour = (): void => {
        while (!response.destroyed && response.write(chunk)) sent += chunk.length;
      };
      response.on('drain', pour);
      pour();
    });
    const outcome = await send(url);
    expect(outcome).toMatchObject({ ok: true, responseBody: 'x'.repeat(1_024) });
    expect(sent).toBeLessThan(50 * 1_048_576);
  });

  it.each([
    [
      'garbage instead of HTTP',
      (socket: Socket) => socket.end('hello\r\n\r\n'),
      'invalid_response',
    ],
    ['an early end', (socket: Socket) => socket.end(), 'connection_reset'],
    ['a reset', (socket: Socket) => socket.resetAndDestroy(), 'connection_reset'],
    [
      'oversized headers',
      (socket: Socket) => socket.end(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`),
      'invalid_response',
    ],
  ])('takes %s for an outcome', async (_what, handler, error) => {
    const url = await tcp((socket) => void socket.once('data', () => handler(socket)));
    expect(await send(url)).toMatchObject({ ok: false, httpStatus: null, error });
  });

  it('classifies what never becomes a connection', async () => {
    const server = createTcp();
    const url = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    servers.splice(servers.indexOf(server), 1);
    expect(await send(url)).toMatchObject({ error: 'connection_refused' });
    expect(await send('http://no-such-host.invalid/')).toMatchObject({ error: 'dns_error' });
    const plain = await http((_request, response) => response.end());
    expect(await send(plain.replace('http:', 'https:'))).toMatchObject({ error: 'tls_error' });
  });

  it('refuses private addresses, as literals and by name, where they are not allowed', async () => {
    const guarded = createWebhookSender({ allowPrivate: false, timeoutMs: 400 });
    const url = await http((_request, response) => response.end());
    const { port } = new URL(url);
    for (const host of [
      '127.0.0.1',
      'localhost',
      '[::1]',
      '0x7f.1',
      '2130706433',
      '169.254.169.254',
    ]) {
      const request = { url: `http://${host}:${port}/`, headers: {}, body: Buffer.from('') };
      expect(await guarded.send(request)).toMatchObject({ error: 'blocked_destination' });
    }
    await guarded.close();
  });
});

describe('judging a destination', () => {
  it.each([
    'http://127.0.0.1/',
    'http://0x7f.1/',
    'http://2130706433/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://10.0.0.1/',
    'http://169.254.169.254/',
    'http://168.63.129.16/',
    'http://[::5efe:a00:1]/',
    'http://localhost./',
    'http://a.localhost/',
    'ftp://example.com/',
    'http://u:p@example.com/',
    '//example.com',
  ])('refuses %s', (url) => {
    expect(checkDestination(url, { allowPrivate: false })).not.toBeNull();
  });

  it('takes public addresses and names, and in development any', () => {
    for (const url of [
      'https://example.com/hook?x=1',
      'http://93.184.216.34:8080/',
      'http://[2606:4700::1]/',
    ]) {
      expect(checkDestination(url, { allowPrivate: false })).toBeNull();
    }
    expect(checkDestination('http://127.0.0.1:9900/', { allowPrivate: true })).toBeNull();
  });

  it('takes no private IPv4 address for public, however it is mapped', () => {
    const ten = fc
      .tuple(fc.nat(255), fc.nat(255), fc.nat(255))
      .map((rest) => `10.${rest.join('.')}`);
    fc.assert(
      fc.property(ten, (address) => {
        expect(isPublicAddress(address)).toBe(false);
        expect(isPublicAddress(`::ffff:${address}`)).toBe(false);
      }),
    );
  });
});

describe('keeping the first KiB of an answer', () => {
  it('never cuts a character, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 300, maxLength: 1_500 }), (text) => {
        const clean = Buffer.from(text.replaceAll('\u0000', '')).toString();
        const kept = excerptOf(Buffer.from(clean));
        expect(clean.startsWith(kept)).toBe(true);
        expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(1_024);
        const missing = Buffer.byteLength(clean) - Buffer.byteLength(kept);
        if (missing > 0) expect(Buffer.byteLength(kept)).toBeGreaterThan(1_020);
      }),
    );
  });
});

describe('reading Retry-After', () => {
  const now = new Date('2026-03-19T12:00:00Z');
  it.each([
    ['120', 120_000],
    ['Thu, 19 Mar 2026 12:00:30 GMT', 30_000],
    ['315360000', 86_400_000],
    ['Tue, 19 Mar 2036 12:00:00 GMT', 86_400_000],
    ['Thu, 19 Mar 2026 11:00:00 GMT', null],
    ['soon', null],
    ['-5', null],
    ['1.5', null],
    ['', null],
    [null, null],
  ])('takes %j for %j ms', (header, waitMs) => {
    expect(parseRetryAfter(header, now)).toBe(waitMs);
  });
});

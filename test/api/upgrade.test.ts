import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { startApi, type Tenant, type TestApi } from '../support/api';
import { ticketOf } from '../support/sockets';

interface PlainAnswer {
  readonly status: number;
  readonly body: { code?: string; type?: string; data?: { text: string } };
}

describe('a request that asks for another protocol', () => {
  let api: TestApi;
  let acme: Tenant;
  beforeAll(async () => {
    api = await startApi();
    acme = await api.newTenant();
  });
  afterAll(() => api.close());

  /** As HTTP clients send their first request when they would rather speak HTTP/2. */
  const offerH2c = (method: string, path: string, body = ''): Promise<PlainAnswer> =>
    new Promise((resolve, reject) => {
      const sent = httpRequest(`${api.url}${path}`, {
        method,
        headers: {
          'x-api-key': acme.key,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          connection: 'Upgrade, HTTP2-Settings',
          upgrade: 'h2c',
          'http2-settings': 'AAEAAEAAAAIAAAAA',
        },
      });
      sent.on('error', reject);
      sent.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const body = JSON.parse(Buffer.concat(chunks).toString()) as PlainAnswer['body'];
          resolve({ status: response.statusCode ?? 0, body });
        });
      });
      sent.end(body);
    });

  it('is answered as if it had not asked, with its body, however large', async () => {
    expect((await offerH2c('GET', '/v1/me')).status).toBe(200);
    const data = { text: 'ü'.repeat(200_000) };
    const body = JSON.stringify({ type: 'filing.published', data });
    const published = await offerH2c('POST', '/v1/events', body);
    expect(published.status).toBe(202);
    expect(published.body.data?.text === data.text).toBe(true);
    expect((await offerH2c('GET', '/v1/nowhere')).status).toBe(404);
    expect((await offerH2c('GET', '/v1/stream/ws')).status).toBe(401);
  });

  it('on the socket’s path is 400 in the contract’s form where it is no handshake', async () => {
    const ticket = await ticketOf(acme);
    const text = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
      let got = '';
      socket.on('data', (chunk) => (got += chunk.toString()));
      socket.on('end', () => resolve(got));
      socket.on('error', reject);
      socket.write(
        `GET /v1/stream/ws?ticket=${ticket} HTTP/1.1\r\nHost: api\r\nConnection: Upgrade\r\n` +
          'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n',
      );
    });
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(JSON.parse(text.slice(text.indexOf('{')))).toMatchObject({
      object: 'error',
      code: 'invalid_request',
      message: expect.stringContaining('Sec-WebSocket-Key'),
    });
  });
});

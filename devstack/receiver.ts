import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const KEPT = 2_000;

/** A request that a receiver got. */
export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly at: number;
}

/** An endpoint that remembers what it got and misbehaves as its path says. */
export interface Receiver {
  readonly url: string;
  readonly requests: readonly ReceivedRequest[];
  /** Waits until the requests so far satisfy the condition. Throws after `timeoutMs`. */
  waitFor(
    condition: (requests: readonly ReceivedRequest[]) => boolean,
    timeoutMs?: number,
  ): Promise<readonly ReceivedRequest[]>;
  clear(): void;
  close(): Promise<void>;
}

/**
 * Starts a receiver. Paths: /ok 200 · /fail 503 · /fail/N fails N times an event, then 200 · /status/CODE ·
 * /slow/MS · /hang · /gone 410 · /redirect · /retry-after/SECONDS · GET /requests lists what came, the last `kept`.
 */
export async function startReceiver(
  options: { port?: number; host?: string; kept?: number } = {},
): Promise<Receiver> {
  const { port = 0, host = '127.0.0.1', kept = KEPT } = options;
  let requests: ReceivedRequest[] = [];
  const failures = new Map<string, number>();
  const waiters = new Set<() => void>();

  const server = createServer((request, response) => {
    void readText(request).then((body) => {
      const path = request.url ?? '/';
      if (request.method === 'GET' && path === '/requests') {
        response.setHeader('content-type', 'application/json');
        return response.end(JSON.stringify(requests));
      }
      const headers = request.headers as Record<string, string>;
      requests.push({ method: request.method ?? '', path, headers, body, at: Date.now() });
      if (requests.length > kept) requests = requests.slice(-kept);
      answer(path, headers['webhook-id'] ?? '', response, failures);
      for (const check of [...waiters]) check();
      return undefined;
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;

  return {
    url: `http://${host}:${address.port}`,
    get requests() {
      return requests;
    },
    waitFor(condition, timeoutMs = 15_000) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiters.delete(check);
          reject(
            new Error(
              `the receiver waited ${timeoutMs} ms in vain; it got ${requests.length} requests`,
            ),
          );
        }, timeoutMs);
        function check(): void {
          if (!condition(requests)) return;
          clearTimeout(timer);
          waiters.delete(check);
          resolve(requests);
        }
        waiters.add(check);
        check();
      });
    },
    clear() {
      requests = [];
      failures.clear();
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function answer(
  path: string,
  eventId: string,
  response: ServerResponse,
  failures: Map<string, number>,
): void {
  const [, act = '', argument = ''] = path.split('?')[0]?.split('/') ?? [];
  const send = (status: number, headers: Record<string, string> = {}): void => {
    response.writeHead(status, headers).end(`${status}\n`);
  };
  switch (act) {
    case 'fail': {
      const times = failures.get(path + eventId) ?? 0;
      failures.set(path + eventId, times + 1);
      return send(argument === '' || times < Number(argument) ? 503 : 200);
    }
    case 'status':
      return send(Number(argument) || 500);
    case 'slow':
      setTimeout(() => send(200), Number(argument));
      return;
    case 'hang':
      return;
    case 'gone':
      return send(410);
    case 'redirect':
      return send(302, { location: '/ok' });
    case 'retry-after':
      return send(503, { 'retry-after': decodeURIComponent(argument) });
    default:
      return send(200);
  }
}

if (require.main === module) {
  void startReceiver({ port: Number(process.env['RECEIVER_PORT'] ?? 9900) }).then(({ url }) =>
    console.log(`receiver at ${url}`),
  );
}

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A receiver for load: notes how long each event was on its way (`data.sentAt`, ms) and answers 200; /hang never
 * answers. GET /take answers what came since the last time, per path.
 */
let latencies: Record<string, number[]> = {};

const server = createServer((request, response) => {
  const path = request.url ?? '/';
  if (path === '/take') {
    response.end(JSON.stringify(latencies));
    latencies = {};
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { data } = JSON.parse(Buffer.concat(chunks).toString()) as { data: { sentAt: number } };
    (latencies[path] ??= []).push(performance.timeOrigin + performance.now() - data.sentAt);
    if (path !== '/hang') response.end('ok');
  });
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));

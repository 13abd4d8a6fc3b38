import type { Server, ServerResponse } from 'node:http';

const SWEEP_MS = 50;

/**
 * Makes a server that can end without cutting anything short. The function it answers takes no more connections,
 * closes each one as soon as its request is answered (which says `Connection: close`), and resolves when none is
 * left: to true, or to false where the rest had to be cut after `graceMs`.
 */
export function drainable(server: Server): (graceMs: number) => Promise<boolean> {
  const inFlight = new Set<ServerResponse>();
  let draining = false;
  server.prependListener('request', (_request, response: ServerResponse) => {
    response.shouldKeepAlive &&= !draining;
    inFlight.add(response);
    response.once('close', () => inFlight.delete(response));
  });
  return async (graceMs) => {
    draining = true;
    for (const response of inFlight) response.shouldKeepAlive = false;
    // An answer whose head was sent before leaves its connection open: it is closed once idle.
    const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
    const closed = new Promise<true>((resolve) => server.close(() => resolve(true)));
    server.closeIdleConnections();
    let cut: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => {
      cut = setTimeout(() => {
        server.closeAllConnections();
        resolve(false);
      }, graceMs);
    });
    const clean = await Promise.race([closed, late]);
    clearTimeout(cut);
    clearInterval(sweep);
    return clean;
  };
}

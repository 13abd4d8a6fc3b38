import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below the ports that systems give to outgoing connections (Linux from 32768): a part that dies finds its own again, not
 * taken by somebody's connection meanwhile.
 */
const RANGE = [12_000, 32_000] as const;
const given = new Set<number>();

/** A free port of the loopback address; in this process never the same again. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 1_000; tries++) {
    const port = randomInt(...RANGE);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`no free port between ${RANGE.join(' and ')}`);
}

/** Whether nothing listens on a loopback port. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Throws one Error that names every taken port and the variable that moves it. */
export async function requireFreePorts(ports: Readonly<Record<string, number>>): Promise<void> {
  const taken: string[] = [];
  for (const [variable, port] of Object.entries(ports)) {
    if (!(await isFree(port))) taken.push(`  - ${port} is taken; set ${variable} to another port`);
  }
  if (taken.length > 0) throw new Error(`Some ports are in use:\n${taken.join('\n')}`);
}

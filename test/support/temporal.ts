import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../devstack/ports';
import { spawnTemporal, waitForTemporal } from '../../devstack/temporal';

export interface TestTemporal {
  readonly address: string;
  readonly namespace: string;
  /** Kills the server; nobody answers until `start`, over the same file. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Kills the server and starts it again. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** A real Temporal server of the test's own, over a database file. */
export async function startTemporal(): Promise<TestTemporal> {
  const port = await freePort();
  const namespace = 'secapi';
  const binary = process.env['TEST_TEMPORAL_BINARY'] ?? '';
  const folder = mkdtempSync(join(tmpdir(), 'secapi-temporal-'));
  const address = `127.0.0.1:${port}`;
  const spawn = () =>
    spawnTemporal({ binary, port, namespace, dbFile: join(folder, 'temporal.db') }, 'ignore');
  let server = spawn();
  const kill = (): Promise<void> => {
    const gone = new Promise<void>((resolve) => server.once('exit', () => resolve()));
    server.kill('SIGKILL');
    return gone;
  };
  const start = (): Promise<void> => {
    server = spawn();
    return waitForTemporal(address, namespace);
  };
  await waitForTemporal(address, namespace);
  return {
    address,
    namespace,
    kill,
    start,
    async restart() {
      await kill();
      await start();
    },
    async stop() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

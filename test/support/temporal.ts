import { freePort } from '../../devstack/ports';
import { spawnTemporal, waitForTemporal } from '../../devstack/temporal';

export interface TestTemporal {
  readonly address: string;
  readonly namespace: string;
  stop(): Promise<void>;
}

/** A real Temporal server of the test's own, in memory. */
export async function startTemporal(): Promise<TestTemporal> {
  const port = await freePort();
  const namespace = 'secapi';
  const binary = process.env['TEST_TEMPORAL_BINARY'] ?? '';
  const server = spawnTemporal({ binary, port, namespace }, 'ignore');
  const address = `127.0.0.1:${port}`;
  await waitForTemporal(address, namespace);
  return {
    address,
    namespace,
    stop() {
      const gone = new Promise<void>((resolve) => server.once('exit', () => resolve()));
      server.kill('SIGKILL');
      return gone;
    },
  };
}

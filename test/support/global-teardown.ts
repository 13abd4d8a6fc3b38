import type { ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';

/** Ends what the setup started. */
export default async function globalTeardown(): Promise<void> {
  const { server, folder } = (
    globalThis as unknown as { secapiTest: { server: ChildProcess; folder: string } }
  ).secapiTest;
  const gone = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGINT');
  await gone;
  rmSync(folder, { recursive: true, force: true });
}

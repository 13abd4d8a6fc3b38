import { spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { localDir, readStackFile } from './stack-file';

const LINES_SHOWN = 20;

/**
 * Starts `npm start`'s program in the background, in a session of its own, and answers the API's URL when everything
 * is up. A signal on the way ends it. Throws with the end of its log where it doesn't come up.
 */
export async function startDetached(program: string, say: (text: string) => void): Promise<string> {
  const log = join(localDir(), 'logs', 'start.log');
  const out = openSync(log, 'w');
  const child = spawn(process.execPath, ['--enable-source-maps', program], {
    detached: true,
    stdio: ['ignore', out, out],
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => child.kill('SIGTERM'));
  }
  say(`Starting in the background; the log is ${log}`);
  let ended = false;
  child.once('exit', () => (ended = true));
  for (;;) {
    const stack = readStackFile();
    if (stack?.startPid === child.pid) return stack?.apiUrl ?? '';
    if (ended) {
      const lines = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-LINES_SHOWN);
      throw new Error(`It did not come up. The end of ${log}:\n${lines.join('\n')}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

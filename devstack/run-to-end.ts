import { spawn } from 'node:child_process';

const KEPT_CHARS = 2_000;

/** How a program ended: its exit code, null where it was killed, and the end of what it wrote to stderr. */
export interface Ended {
  readonly status: number | null;
  readonly complaints: string;
}

/** Runs a program to its end. When `ending` aborts, it is killed with every process it has started; throws if it had. */
export async function runToEnd(
  program: string,
  args: readonly string[],
  options: {
    readonly cwd: string;
    readonly env?: NodeJS.ProcessEnv;
    readonly ending?: AbortSignal | undefined;
  },
): Promise<Ended> {
  const { cwd, env, ending } = options;
  ending?.throwIfAborted();
  const child = spawn(program, args, {
    cwd,
    ...(env ? { env } : {}),
    stdio: ['ignore', 'ignore', 'pipe'],
    // A group of its own, which can be killed as one.
    detached: ending !== undefined,
  });
  const kill = (): void => void (child.pid && process.kill(-child.pid, 'SIGKILL'));
  ending?.addEventListener('abort', kill);
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaints = (complaints + String(chunk)).slice(-KEPT_CHARS);
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  ending?.removeEventListener('abort', kill);
  return { status, complaints };
}

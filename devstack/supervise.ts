import type { ChildProcess } from 'node:child_process';
import { messageOf } from '../platform/message-of';

/** One that ran so long had started well: its next gap is the first again (as Docker's restart policies have it). */
const HEALTHY_MS = 10_000;
const LONGEST_GAP_MS = 30_000;
/** How long a process may take to end before it is killed. */
export const STOP_MS = 45_000;

/** A child process that is kept running: started again when it dies, at once the first time, then with growing gaps. */
export interface Supervised {
  readonly name: string;
  pid(): number | undefined;
  /** Asks it to end, and kills it by its id after 45 s. Resolves when it is gone. */
  stop(): Promise<void>;
  kill(): void;
}

export function supervise(options: {
  readonly name: string;
  /** Where it throws, that is a death like any other. */
  readonly start: () => ChildProcess;
  /** How it is asked to end. */
  readonly stopSignal?: NodeJS.Signals;
  readonly onStart: (pid: number) => void;
  /** Told when it died by itself. */
  readonly onDeath: (how: string, restartInMs: number) => void;
}): Supervised {
  const { name, start, stopSignal = 'SIGTERM', onStart, onDeath } = options;
  let child: ChildProcess | null = null;
  let stopping = false;
  let deaths = 0;
  let timer: NodeJS.Timeout | undefined;

  function launch(): void {
    const startedAt = Date.now();
    try {
      const fresh = start();
      child = fresh;
      fresh.once('error', (error) => died(fresh, error.message));
      fresh.once('exit', (code, signal) => died(fresh, signal ?? `exit code ${code ?? 'unknown'}`));
      if (fresh.pid !== undefined) onStart(fresh.pid);
    } catch (error) {
      // One that lives, but nobody could be told of, is not left behind: it ends and is started again.
      if (child) child.kill(stopSignal);
      else died(null, messageOf(error));
    }

    function died(which: ChildProcess | null, how: string): void {
      if (child !== which) return;
      child = null;
      if (stopping) return;
      deaths = Date.now() - startedAt >= HEALTHY_MS ? 1 : deaths + 1;
      const gapMs = deaths === 1 ? 0 : Math.min(500 * 2 ** (deaths - 2), LONGEST_GAP_MS);
      onDeath(how, gapMs);
      timer = setTimeout(launch, gapMs);
    }
  }

  launch();
  return {
    name,
    pid: () => child?.pid,
    async stop() {
      stopping = true;
      clearTimeout(timer);
      const last = child;
      if (!last || last.exitCode !== null) return;
      const gone = new Promise<void>((resolve) => last.once('exit', () => resolve()));
      last.kill(stopSignal);
      const force = setTimeout(() => last.kill('SIGKILL'), STOP_MS);
      await gone;
      clearTimeout(force);
    },
    kill() {
      stopping = true;
      clearTimeout(timer);
      child?.kill('SIGKILL');
    },
  };
}

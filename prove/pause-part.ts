import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { ThrowawayStack } from '../devstack/throwaway-stack';
import type { Proof } from './proof';
import { deliverUnderFire } from './under-fire';

const PER_SECOND = 50;

/** A part that hangs instead of dying: its connections stay open and nothing answers. */
export const pausePartProofs: readonly Proof[] = [
  pausing(
    'postgres',
    30,
    'Postgres stopped (SIGSTOP) for 30 s amid events: what was accepted arrives, the rest is told 503',
  ),
  pausing(
    'temporal',
    60,
    'Temporal away for 60 s amid events: first attempts go on, and retries follow when it is back',
  ),
];

function pausing(part: 'postgres' | 'temporal', seconds: number, claim: string): Proof {
  return {
    name: `pause-${part}`,
    claim,
    runs: 'beside',
    run: (say) =>
      deliverUnderFire({
        events: (seconds + 20) * PER_SECOND,
        perSecond: PER_SECOND,
        async beside(stack) {
          await pause(8_000);
          say(`${part} is stopped for ${seconds} s`);
          const stopped = withChildren(stack, part);
          for (const pid of stopped) signal(pid, 'SIGSTOP');
          await pause(seconds * 1_000);
          for (const pid of stopped) signal(pid, 'SIGCONT');
          return { processes: String(stopped.length) };
        },
      }),
  };
}

/** A part's process and those that it forked: each connection of Postgres is one. */
function withChildren(stack: ThrowawayStack, part: string): number[] {
  const pid = stack.pids()[part];
  if (pid === undefined) throw new Error(`${part} is not running`);
  const children = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && parentOf(entry) === pid)
    .map(Number);
  return [pid, ...children];
}

function parentOf(entry: string): number | null {
  try {
    const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return null;
  }
}

function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(pid, name);
  } catch {
    // A connection that was closed meanwhile.
  }
}

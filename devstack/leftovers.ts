import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { join, sep } from 'node:path';
import { postgresDataDir, stopLeftoverPostgres } from './postgres';
import { forgetProcesses, readProcesses } from './process-file';
import { repositoryRoot } from './repository-root';
import { localDir } from './stack-file';
import { STOP_MS } from './supervise';

/** The process of this folder's `npm start`, where one lives. */
export function runningStart(): number | null {
  const pid = readProcesses()?.start;
  if (pid === undefined || pid === process.pid) return null;
  if (!commandOf(pid).includes(join('devstack', 'start'))) return null;
  return isOurs(pid) || folderOf(pid) === repositoryRoot() ? pid : null;
}

/** Ends the processes that a killed `npm start` of this folder left, the last started first, and forgets them. */
export async function stopLeftovers(): Promise<void> {
  const left = readProcesses();
  for (const [name, pid] of Object.entries(left?.children ?? {}).reverse()) {
    await end(pid, name === 'postgres' ? 'SIGINT' : 'SIGTERM');
  }
  stopLeftoverPostgres(postgresDataDir(localDir()));
  if (left) forgetProcesses(left.start);
}

async function end(pid: number, signal: NodeJS.Signals): Promise<void> {
  if (!isOurs(pid)) return;
  process.kill(pid, signal);
  const until = Date.now() + STOP_MS;
  while (isOurs(pid)) {
    if (Date.now() > until) process.kill(pid, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Whether a process lives and its command line names this checkout; a stranger's, with a pid used anew, does not. */
function isOurs(pid: number): boolean {
  return commandOf(pid).includes(repositoryRoot() + sep);
}

function commandOf(pid: number): string {
  if (!existsSync('/proc/self/cmdline')) {
    return spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout;
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

function folderOf(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return null;
  }
}

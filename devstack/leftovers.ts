import { readFileSync } from 'node:fs';
import { repositoryRoot } from './repository-root';
import { readStackFile } from './stack-file';

/** Ends processes of this checkout that a killed `npm start` left behind; a reused pid of a stranger is left alone. */
export async function stopLeftovers(): Promise<void> {
  const pids = Object.values(readStackFile()?.pids ?? {}).filter(isOurs);
  for (const pid of pids) process.kill(pid, 'SIGTERM');
  const until = Date.now() + 15_000;
  while (pids.some(isOurs) && Date.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  for (const pid of pids.filter(isOurs)) process.kill(pid, 'SIGKILL');
}

/** Whether a process lives and its command line or folder is this checkout's. */
export function isOurs(pid: number): boolean {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return command.includes(repositoryRoot()) && pid !== process.pid;
  } catch {
    return false;
  }
}

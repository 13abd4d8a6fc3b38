import { existsSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { localDir } from './stack-file';

/** The processes of this folder's stack, from the first one on: how what a killed `npm start` left is found. */
export interface StackProcesses {
  /** The process of `npm start` itself. */
  readonly start: number;
  /** Its children by name, in the order they were started. */
  readonly children: Readonly<Record<string, number>>;
}

const processPath = (): string => join(localDir(), 'processes.json');

/** What the last start recorded; null where it ended in order. A file that can't be read names no process. */
export function readProcesses(): StackProcesses | null {
  if (!existsSync(processPath())) return null;
  try {
    return JSON.parse(readFileSync(processPath(), 'utf8')) as StackProcesses;
  } catch {
    return { start: 0, children: {} };
  }
}

/** Makes this process the folder's one `npm start`. False where another has recorded itself. */
export function claimProcesses(): boolean {
  const own = writeOwn({});
  try {
    linkSync(own, processPath());
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(own);
  }
}

/** Replaces the children of this `npm start` (by rename). */
export function recordChildren(children: StackProcesses['children']): void {
  renameSync(writeOwn(children), processPath());
}

/** Forgets the processes of a start that has ended, unless another start has taken its place. */
export function forgetProcesses(start: number): void {
  if (readProcesses()?.start === start) rmSync(processPath(), { force: true });
}

function writeOwn(children: StackProcesses['children']): string {
  const path = `${processPath()}.${process.pid}`;
  const processes: StackProcesses = { start: process.pid, children };
  writeFileSync(path, `${JSON.stringify(processes)}\n`, { mode: 0o600 });
  return path;
}

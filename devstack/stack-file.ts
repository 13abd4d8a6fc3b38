import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newSecretsKey } from '../platform/config';
import { repositoryRoot } from './repository-root';
import type { Seeded } from './seed';

/** What `npm start` tells the world of itself, in `.local/stack.json`: there from when everything is up until it is stopped. */
export interface StackFile extends Seeded {
  readonly apiUrl: string;
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  readonly temporalUiUrl: string;
  readonly databaseUrl: string;
  readonly stripeUrl: string | null;
  readonly stripeWebhookSecret: string | null;
  readonly receiverUrl: string;
  /** The process of `npm start` itself. */
  readonly startPid: number;
  readonly pids: Readonly<Record<string, number>>;
}

/** The folder that holds everything the dev stack keeps. */
export function localDir(): string {
  const folder = join(repositoryRoot(), '.local');
  mkdirSync(join(folder, 'logs'), { recursive: true });
  return folder;
}

const stackPath = (): string => join(localDir(), 'stack.json');

const seededPath = (): string => join(localDir(), 'seeded.json');

/** The file as the stack wrote it; null where there is none, or it can't be read. */
export function readStackFile(): Partial<StackFile> | null {
  return readJson<StackFile>(stackPath());
}

/** Replaces the file as a whole (by rename), readable by its owner only. */
export function writeStackFile(stack: StackFile): void {
  writeJson(stackPath(), stack);
}

export function removeStackFile(): void {
  rmSync(stackPath(), { force: true });
}

/** The keys that starts on this folder share, also after one that was never ready. */
export function readSeeded(): Partial<Seeded> {
  return readJson<Seeded>(seededPath()) ?? readStackFile() ?? {};
}

export function writeSeeded(seeded: Seeded): void {
  writeJson(seededPath(), seeded);
}

function readJson<Value>(path: string): Partial<Value> | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Partial<Value>;
  } catch {
    return null;
  }
}

function writeJson(path: string, value: object): void {
  writeFileSync(`${path}.new`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** The stack's SECRETS_KEY: made once, kept for its owner only. */
export function secretsKey(): string {
  const path = join(localDir(), 'secrets-key');
  if (!existsSync(path)) writeFileSync(path, newSecretsKey(), { mode: 0o600 });
  return readFileSync(path, 'utf8').trim();
}

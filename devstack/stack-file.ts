import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newSecretsKey } from '../platform/config';
import { repositoryRoot } from './repository-root';
import type { Seeded } from './seed';

/** What `npm start` tells the world of itself, in `.local/stack.json`. */
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

/** The file as the last start wrote it; null where there was none, or it can't be read. */
export function readStackFile(): Partial<StackFile> | null {
  try {
    return JSON.parse(readFileSync(stackPath(), 'utf8')) as Partial<StackFile>;
  } catch {
    return null;
  }
}

/** Replaces the file as a whole (by rename), readable by its owner only. */
export function writeStackFile(stack: StackFile): void {
  const path = stackPath();
  writeFileSync(`${path}.new`, `${JSON.stringify(stack, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** The stack's SECRETS_KEY: made once, kept for its owner only. */
export function secretsKey(): string {
  const path = join(localDir(), 'secrets-key');
  if (!existsSync(path)) writeFileSync(path, newSecretsKey(), { mode: 0o600 });
  return readFileSync(path, 'utf8').trim();
}

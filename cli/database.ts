import type { DataSource } from 'typeorm';
import { createDataSource } from '../entities/data-source';
import { migrationState, requireMigrated } from '../entities/migration-state';
import { StartError } from '../platform/or-exit';
import { messageOf } from '../platform/message-of';
import { stackEnvironment } from './stack-environment';

/**
 * Opens the database that DATABASE_URL names, else the running dev stack's; closes it after `act`. Throws a StartError
 * where it can't be opened, or does not stand where this version needs it.
 */
export async function withDatabase<Value>(act: (db: DataSource) => Promise<Value>): Promise<Value> {
  const url = stackEnvironment()['DATABASE_URL'];
  if (!url) {
    throw new Error('DATABASE_URL is not set: it names the Postgres to work on.');
  }
  const db = createDataSource({ url, poolSize: 2, applicationName: 'secapi-cli' });
  await db.initialize().catch((error: unknown) => {
    const reason = messageOf(error);
    throw new StartError(`The Postgres that DATABASE_URL names can’t be worked on: ${reason}`);
  });
  try {
    requireMigrated(await migrationState(db));
    return await act(db);
  } finally {
    await db.destroy();
  }
}

/** Runs a command: its answer is the exit code; a failure is one readable line. */
export function runCommand(command: () => Promise<number>): void {
  command().then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      console.error(messageOf(error));
      process.exitCode = 1;
    },
  );
}

import type { DataSource } from 'typeorm';
import { StartError } from '../platform/or-exit';

/** How a database stands to the migrations that this version knows. */
export interface MigrationState {
  /** Known here, not yet run there. */
  readonly missing: readonly string[];
  /** Run there by a newer version, unknown here. */
  readonly unknown: readonly string[];
}

/** Compares the migrations that were run with those that this version knows, by name. */
export async function migrationState(db: DataSource): Promise<MigrationState> {
  const [there]: { found: boolean }[] = await db.query(
    `SELECT to_regclass('migrations') IS NOT NULL AS found`,
  );
  const rows: { name: string }[] = there?.found
    ? await db.query(`SELECT name FROM migrations ORDER BY id`)
    : [];
  const ran = rows.map(({ name }) => name);
  const known = db.migrations.map((migration) => migration.name ?? migration.constructor.name);
  return {
    missing: known.filter((name) => !ran.includes(name)),
    unknown: ran.filter((name) => !known.includes(name)),
  };
}

/** Throws a StartError where a newer version migrated the database: this one would misread what it finds. */
export function refuseUnknownMigrations({ unknown }: MigrationState): void {
  if (unknown.length === 0) return;
  throw new StartError(
    `The database was migrated by a newer version, which this one does not know (${unknown.join(', ')}). ` +
      'Run the newer version, or restore the backup that was made before its migration.',
  );
}

/** Throws a StartError unless the database stands exactly where this version needs it. */
export function requireMigrated(state: MigrationState): void {
  refuseUnknownMigrations(state);
  if (state.missing.length === 0) return;
  throw new StartError(
    `The database lacks ${state.missing.length} migration(s) of this version (${state.missing.join(', ')}). ` +
      'Run `npm run migrate` first.',
  );
}

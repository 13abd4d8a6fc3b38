import { readDatabaseFacts } from '../../entities/database-facts';
import { migrationState } from '../../entities/migration-state';
import { ConfigError } from '../../platform/config';
import { duration, fault, ok, warning, type Check, type Finding } from './check';

/** It shuts down, has crashed, or starts. */
const STARTING = /^57P0/;
const NEEDED = 180_000;
const SKEW_WARN_MS = 1_000;
const SKEW_FAULT_MS = 5_000;
const LONG_TRANSACTION_S = 60;

/** Why there is no connection: Postgres is away, refuses us (it says so with a code), or isn't named. */
export function noDatabase(error: unknown, reason: string): Finding {
  if (error instanceof ConfigError)
    return fault(
      'there is nothing to look at: DATABASE_URL names no Postgres',
      'See `environment`.',
    );
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (/^[0-9A-Z]{5}$/.test(code) && !STARTING.test(code))
    return fault(
      `Postgres answers, and refuses us: ${reason}`,
      'Make role and database as docs/operating.md says, or correct DATABASE_URL.',
    );
  return fault(`Postgres does not answer: ${reason}`, 'Start it, or correct DATABASE_URL.');
}

export const databaseChecks: readonly Check[] = [
  {
    name: 'database',
    run({ db, dbFault }) {
      if (db) return [ok('Postgres answers')];
      return dbFault ? [dbFault] : [];
    },
  },
  {
    name: 'migrations',
    needs: ['db'],
    async run({ db }) {
      if (!db) return [];
      const { missing, unknown } = await migrationState(db);
      if (unknown.length > 0)
        return [
          fault(
            `a newer version migrated the database (${unknown.join(', ')})`,
            'Run the newer version, or restore the backup from before its migration.',
          ),
        ];
      if (missing.length > 0)
        return [
          fault(
            `${missing.length} migration(s) are missing (${missing.join(', ')})`,
            'Run `npm run migrate`.',
          ),
        ];
      return [ok('the database stands where this version needs it')];
    },
  },
  {
    name: 'database settings',
    needs: ['db'],
    async run({ db, isMigrated, config }) {
      if (!db) return [];
      const facts = await readDatabaseFacts(db, isMigrated);
      const found: Finding[] = [];
      const version = `${Math.floor(facts.version / 10_000)}.${facts.version % 10_000}`;
      if (facts.version < NEEDED)
        found.push(
          fault(`Postgres is ${version}; 18 is needed`, 'Upgrade the server to Postgres 18.'),
        );
      if (facts.encoding !== 'UTF8')
        found.push(
          fault(
            `the database’s encoding is ${facts.encoding}`,
            'Create it anew with ENCODING UTF8.',
          ),
        );
      if (facts.unsafe.length > 0)
        found.push(
          fault(
            `${facts.unsafe.join(', ')} off: a crash loses what was acknowledged`,
            `Set ${facts.unsafe.map((name) => `${name} = on`).join(', ')} and reload Postgres.`,
          ),
        );
      const wanted = facts.connections + (config?.DATABASE_POOL ?? 0);
      if (wanted > facts.maxConnections * 0.9)
        found.push(
          warning(
            `${facts.connections} of ${facts.maxConnections} connections are in use`,
            'Raise max_connections, or lower DATABASE_POOL; a process holds DATABASE_POOL + 1.',
          ),
        );
      if (facts.longestTransactionSeconds > LONG_TRANSACTION_S)
        found.push(
          warning(
            `a transaction that writes is open for ${duration(facts.longestTransactionSeconds)}: streams and exports show nothing newer`,
            'Find it in pg_stat_activity (xact_start) and end it.',
          ),
        );
      if (facts.isAheadOfItself)
        found.push(
          fault(
            'the rows’ transaction ids are ahead of the server’s: they came from a dump, and streams and exports hide them',
            'Run `npm run restored` once, with API and worker stopped.',
          ),
        );
      if (found.length > 0) return found;
      return [
        ok(
          `Postgres ${version}, ${facts.connections} of ${facts.maxConnections} connections, ${Math.ceil(facts.bytes / 2 ** 20)} MiB`,
        ),
      ];
    },
  },
  {
    name: 'clock',
    needs: ['db'],
    async run({ db, now }) {
      if (!db) return [];
      const before = now().getTime();
      const facts = await readDatabaseFacts(db, false);
      const skewMs = facts.now.getTime() - (before + now().getTime()) / 2;
      const says = `the database’s clock is ${Math.abs(Math.round(skewMs))} ms ${skewMs > 0 ? 'ahead of' : 'behind'} this machine’s`;
      if (Math.abs(skewMs) < SKEW_WARN_MS) return [ok(says)];
      const mend = 'Keep both by NTP: signatures, expiry and schedules go by these clocks.';
      return [Math.abs(skewMs) > SKEW_FAULT_MS ? fault(says, mend) : warning(says, mend)];
    },
  },
];

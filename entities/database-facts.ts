import { run, statement, type Executor } from './sql';

/** What a database is and how it is set, as far as the product depends on it. */
export interface DatabaseFacts {
  /** Its clock. */
  readonly now: Date;
  /** 180004 is 18.4. */
  readonly version: number;
  readonly encoding: string;
  /** Settings that are off though what was acknowledged depends on them. */
  readonly unsafe: readonly string[];
  readonly connections: number;
  readonly maxConnections: number;
  /** The oldest open transaction that holds back streams and exports, in seconds; 0 where there is none. */
  readonly longestTransactionSeconds: number;
  readonly bytes: number;
  /** The newest event was written by a transaction that this server has not reached yet: it came from a dump. */
  readonly isAheadOfItself: boolean;
}

const read = statement<{
  now: Date;
  version: number;
  encoding: string;
  unsafe: string[];
  connections: number;
  max_connections: number;
  longest: number;
  bytes: string;
}>(
  'database-facts',
  `SELECT clock_timestamp() AS now, current_setting('server_version_num')::int AS version,
     current_setting('server_encoding') AS encoding,
     ARRAY(SELECT name FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')
       AND setting = 'off') AS unsafe,
     (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::int AS connections,
     current_setting('max_connections')::int AS max_connections,
     (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0) FROM pg_stat_activity
       WHERE backend_xid IS NOT NULL)::float8 AS longest,
     pg_database_size(current_database()) AS bytes`,
);
const ahead = statement<{ ahead: boolean }>(
  'newest-event-is-ahead',
  `SELECT coalesce((SELECT xid >= pg_snapshot_xmax(pg_current_snapshot()) FROM events ORDER BY id DESC LIMIT 1), false)
     AS ahead`,
);

/** Asks the database about itself; also one that was never migrated answers. */
export async function readDatabaseFacts(db: Executor, isMigrated: boolean): Promise<DatabaseFacts> {
  const [row] = await run(db, read, []);
  if (!row) throw new Error('the database says nothing of itself');
  const [position] = isMigrated ? await run(db, ahead, []) : [];
  return {
    now: row.now,
    version: row.version,
    encoding: row.encoding,
    unsafe: row.unsafe,
    connections: row.connections,
    maxConnections: row.max_connections,
    longestTransactionSeconds: row.longest,
    bytes: Number(row.bytes),
    isAheadOfItself: position?.ahead ?? false,
  };
}

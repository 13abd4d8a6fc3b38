import { DAY_MS } from '../platform/clock';
import { idStart } from '../platform/ids';
import { RETENTION, type Keeping, type Retention } from './retention';
import { run, statement, type Executor, type Statement } from './sql';

/** Rows dropped in one statement: few enough that nobody waits for their locks. */
const BATCH = 500;
const MONTHS_OF_USAGE = 13;
/** A delivery may stay longer than its time by its window and its last attempt; what counts it goes after it. */
const LONGEST_DELIVERY_DAYS = 4;

interface Count {
  readonly count: number;
}

interface Prunable extends Retention {
  readonly drop: Statement<Count>;
  readonly tally: Statement<Count>;
}

const prunables: readonly Prunable[] = RETENTION.map((rule) => ({
  ...rule,
  drop: statement(
    `prune-${rule.table}`,
    `WITH gone AS (DELETE FROM ${rule.table} WHERE ctid = ANY (ARRAY(
       SELECT t.ctid FROM ${rule.table} t WHERE ${rule.condition} LIMIT $4 FOR UPDATE SKIP LOCKED))
       RETURNING ${rule.also ? '*' : '1'})${rule.also ? `, also AS (${rule.also})` : ''}
     SELECT count(*)::int AS count FROM gone WHERE $1::timestamptz >= $2::timestamptz AND $3::text <> ''`,
  ),
  tally: statement(
    `count-${rule.table}`,
    `SELECT count(*)::int AS count FROM ${rule.table} t
     WHERE (${rule.condition}) AND $1::timestamptz >= $2::timestamptz AND $3::text <> ''`,
  ),
}));

/** What was dropped from a table so far, or would be. */
export interface Pruned {
  readonly table: string;
  /** Rows older than this went, unless something needs them. */
  readonly before: Date;
  readonly rows: number;
}

export interface PruneOptions {
  readonly now: Date;
  /** For how many days records (events, deliveries, attempts, streams, requests) are kept. */
  readonly retentionDays: number;
}

/** Since when rows are kept: records for so many days, their counts a little longer, usage from the first of the month 13 months ago. */
export function keptSince(keeps: Keeping, { now, retentionDays }: PruneOptions): Date {
  switch (keeps) {
    case 'records':
      return new Date(now.getTime() - retentionDays * DAY_MS);
    case 'rollups':
      return new Date(now.getTime() - (retentionDays + LONGEST_DELIVERY_DAYS) * DAY_MS);
    case 'usage':
      return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - MONTHS_OF_USAGE, 1));
    case 'a_day':
      return new Date(now.getTime() - DAY_MS);
    case 'a_month':
      return new Date(now.getTime() - 30 * DAY_MS);
  }
}

/**
 * Drops what is older than it is kept, a few hundred rows a statement, table after table; after each statement tells
 * what went from the table so far and waits for `pulse`. Safe to repeat, to stop anywhere and to run from several
 * places at once.
 */
export async function pruneRecords(
  db: Executor,
  options: PruneOptions,
  pulse: (soFar: Pruned) => Promise<void>,
  batch = BATCH,
): Promise<Pruned[]> {
  const all: Pruned[] = [];
  for (const { table, keeps, drop } of prunables) {
    const before = keptSince(keeps, options);
    let rows = 0;
    for (let last = batch; last === batch;) {
      [{ count: last } = { count: 0 }] = await run(db, drop, [
        ...valuesOf(options.now, before),
        batch,
      ]);
      rows += last;
      await pulse({ table, before, rows });
    }
    all.push({ table, before, rows });
  }
  return all;
}

/** Counts what `pruneRecords` would drop, and drops nothing. */
export async function countPrunable(db: Executor, options: PruneOptions): Promise<Pruned[]> {
  const all: Pruned[] = [];
  for (const { table, keeps, tally } of prunables) {
    const before = keptSince(keeps, options);
    const [counted] = await run(db, tally, valuesOf(options.now, before));
    all.push({ table, before, rows: counted?.count ?? 0 });
  }
  return all;
}

/** $1 now, $2 the boundary, $3 how the ids of that moment begin. */
function valuesOf(now: Date, before: Date): unknown[] {
  return [now, before, idStart(before.getTime())];
}

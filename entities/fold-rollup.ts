import type { DataSource, EntityManager } from 'typeorm';
import { run, statement, type Statement } from './sql';

/** Rows folded in one turn, about. */
const BATCH = 1_000;

/** Above every transaction id. */
const ENDLESS = '18446744073709551615';

/** What a rollup's rows are counted by, as rows `g (grain)`. */
export const GRAINS = `(VALUES ('hour'), ('day')) AS g (grain)`;

/**
 * The condition of the indexes by xid alone, over the rows of everybody. Only a statement that has it too may walk them:
 * one that looks for a quiet organization's rows would otherwise be planned to, past all the others'.
 */
export const ofEverybody = (row: string): string => `${row}.event_id <> ''`;

type Nothing = Record<string, never>;

/** Counts that are folded from the rows of a table in the order of their commits; a mark says how far. */
export interface Rollup {
  readonly mark: string;
  readonly table: string;
  /** Up to where the next turn may go: nothing at or after it can still commit before it. No row: nowhere. */
  readonly limit: Statement<{ high: string; more: boolean }>;
  /** Where the rows of another server's dump begin that aren't counted, and where the mark belongs; none: no row. */
  readonly foreign: Statement<{ low: string; mark: string }>;
  /** Each adds what follows from the rows with $1 ≤ xid < $2. */
  readonly folds: readonly Statement<Nothing>[];
}

/** A rollup of a table that has an index by xid, of everybody. */
export function rollupOf(
  mark: string,
  table: string,
  folds: readonly Statement<Nothing>[],
): Rollup {
  return {
    mark,
    table,
    folds,
    limit: statement(
      `rollup-limit-${mark}`,
      `WITH beyond AS (SELECT t.xid FROM ${table} t WHERE t.xid > $1::xid8 AND ${ofEverybody('t')}
         ORDER BY t.xid OFFSET $2 LIMIT 1),
       safe AS (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xid)
       SELECT least(coalesce((SELECT xid FROM beyond), safe.xid), safe.xid) AS high,
         coalesce((SELECT xid FROM beyond) < safe.xid, false) AS more
       FROM safe WHERE safe.xid > $1::xid8`,
    ),
    foreign: statement(
      `rollup-foreign-${mark}`,
      `SELECT greatest(m.xid, pg_snapshot_xmax(s.now)) AS low, least(m.xid, pg_snapshot_xmin(s.now)) AS mark
       FROM rollup_marks m, (SELECT pg_current_snapshot() AS now) s
       WHERE m.name = '${mark}' AND (m.xid >= pg_snapshot_xmax(s.now)
         OR EXISTS (SELECT FROM ${table} t WHERE t.xid >= pg_snapshot_xmax(s.now) AND ${ofEverybody('t')}))
       FOR UPDATE OF m`,
    ),
  };
}

const hold = statement<{ xid: string }>(
  'rollup-mark',
  `SELECT xid FROM rollup_marks WHERE name = $1 FOR UPDATE SKIP LOCKED`,
);

const advance = statement<Nothing>(
  'advance-rollup',
  `UPDATE rollup_marks SET xid = $2::xid8 WHERE name = $1`,
);

/**
 * Adds rows that were committed since the last turn: each exactly once, in the order of commits, by one worker at a
 * time. Answers whether more wait.
 */
export async function foldRollup(db: DataSource, rollup: Rollup, batch = BATCH): Promise<boolean> {
  return db.transaction(async (tx) => {
    // All rows of one transaction are one turn, and those of a dump all have one transaction id.
    await tx.query('SET LOCAL statement_timeout = 0');
    const [held] = await run(tx, hold, [rollup.mark]);
    if (!held) return false;
    const [next] = await run(tx, rollup.limit, [held.xid, batch]);
    if (!next) return false;
    for (const fold of rollup.folds) await run(tx, fold, [held.xid, next.high]);
    await run(tx, advance, [rollup.mark, next.high]);
    return next.more;
  });
}

/**
 * Adds rows to the counts that came from another server's dump, whose transaction ids lie beyond this one's, and puts
 * the mark back to where this server is. The caller gives these rows ids of the past, in the same transaction.
 */
export async function foldForeign(tx: EntityManager, rollup: Rollup): Promise<void> {
  if ((await run(tx, rollup.foreign, [])).length === 0) return;
  // Nobody's row may appear between what is looked at and what is folded.
  await tx.query(`LOCK TABLE ${rollup.table} IN SHARE ROW EXCLUSIVE MODE`);
  const [found] = await run(tx, rollup.foreign, []);
  if (!found) return;
  for (const fold of rollup.folds) await run(tx, fold, [found.low, ENDLESS]);
  await run(tx, advance, [rollup.mark, found.mark]);
}

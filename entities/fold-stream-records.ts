import type { DataSource, EntityManager } from 'typeorm';
import { foldForeign, foldRollup, GRAINS, ofEverybody, rollupOf } from './fold-rollup';
import { run, statement } from './sql';

/** The mark of what is folded; a record at or after it is counted from its row. */
export const STREAM_MARK = `(SELECT xid FROM rollup_marks WHERE name = 'stream_events')`;

/**
 * Adds rows `t` (of `stream_events`, from SQL) to the counts, or takes them off: in the order of the key, so that two
 * who do it at once can't wait for each other.
 */
export function countStreamRecords(sign: '' | '-', from: string): string {
  return `INSERT INTO stream_rollups AS r (org_id, grain, starts_at, stream_id, event_type, count, last_seen_at,
      first_xid, last_xid, first_id, last_id)
    SELECT t.org_id, g.grain, date_trunc(g.grain, t.recorded_at, 'UTC'), t.stream_id, t.event_type,
      ${sign}count(*), max(t.recorded_at), min(t.xid), max(t.xid), min(t.id), max(t.id)
    FROM ${GRAINS}, ${from} GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT (org_id, grain, starts_at, stream_id, event_type) DO UPDATE
    SET count = r.count + excluded.count, last_seen_at = greatest(r.last_seen_at, excluded.last_seen_at),
      first_xid = least(r.first_xid, excluded.first_xid), last_xid = greatest(r.last_xid, excluded.last_xid),
      first_id = least(r.first_id, excluded.first_id), last_id = greatest(r.last_id, excluded.last_id)`;
}

const STREAM_RECORDS = rollupOf('stream_events', 'stream_events', [
  statement(
    'fold-stream-records',
    countStreamRecords(
      '',
      `stream_events t WHERE t.xid >= $1::xid8 AND t.xid < $2::xid8 AND ${ofEverybody('t')}`,
    ),
  ),
]);

/** Folds records of streams into the counts by hour and day; answers whether more wait. */
export function foldStreamRecords(db: DataSource, batch?: number): Promise<boolean> {
  return foldRollup(db, STREAM_RECORDS, batch);
}

/** Positions of records that are about to be given the oldest transaction id. */
const moveForeign = statement<Record<string, never>>(
  'move-foreign-stream-rollups',
  `UPDATE stream_rollups r SET first_xid = '3',
     last_xid = CASE WHEN r.first_xid >= s.beyond THEN '3' ELSE s.beyond END
   FROM (SELECT pg_snapshot_xmax(pg_current_snapshot()) AS beyond) s WHERE r.last_xid >= s.beyond`,
);

/** Folds the records of another server's dump, and says where the counted ones will stand. */
export async function foldForeignStreamRecords(tx: EntityManager): Promise<void> {
  await foldForeign(tx, STREAM_RECORDS);
  await run(tx, moveForeign, []);
}

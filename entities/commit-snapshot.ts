import { run, statement, type Executor } from './sql';

/** Which transactions had committed at one moment. */
export interface CommitSnapshot {
  /** Everything before this transaction was decided. */
  readonly xmin: string;
  /** Whether what transaction `xid` wrote was there to be seen, if it committed at all. */
  includes(xid: string): boolean;
}

const now = statement<{ snapshot: string }>(
  'commit-snapshot',
  'SELECT pg_current_snapshot()::text AS snapshot',
);

/** The present moment in the order of commits. */
export async function takeSnapshot(db: Executor): Promise<CommitSnapshot> {
  const [row] = await run(db, now, []);
  if (!row) throw new Error('Postgres gave no snapshot');
  return parseSnapshot(row.snapshot);
}

/** Reads Postgres' text form, `xmin:xmax:xid,xid,…` (those between that were still under way). */
export function parseSnapshot(text: string): CommitSnapshot {
  const [xmin = '0', xmax = '0', underWay = ''] = text.split(':');
  const open = new Set(underWay.split(','));
  return {
    xmin,
    includes: (xid) => BigInt(xid) < BigInt(xmin) || (BigInt(xid) < BigInt(xmax) && !open.has(xid)),
  };
}

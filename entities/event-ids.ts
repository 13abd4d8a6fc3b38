import { CLOCK_ROOM_MS } from '../platform/clock';
import { idStart } from '../platform/ids';
import { run, statement, type Executor } from './sql';

const newestBefore = statement<{ xid: string }>(
  'log-newest-before',
  `SELECT xid FROM events WHERE id < $1 ORDER BY id DESC LIMIT 1`,
);

/** The commit of an event that is more than ten minutes older; asked for beforehand, so that the page is planned with it. */
export async function xidBefore(db: Executor, since: Date): Promise<string | null> {
  const [row] = await run(db, newestBefore, [eventIdAt(since.getTime() - CLOCK_ROOM_MS)]);
  return row?.xid ?? null;
}

/** The least id of an event of that moment (ms since 1970). */
export function eventIdAt(ms: number): string {
  return `evt_${idStart(ms)}`;
}

import {
  readLog,
  type LogFilter,
  type LogPosition,
  type LogRecord,
} from '../../entities/event-log';
import { LOG_COLUMNS, logCells } from '../../entities/log-line';
import type { Executor } from '../../entities/sql';
import { csv } from '../../platform/csv';
import { lineWithRaw } from '../../platform/raw-json';
import type { ApiContext } from '../http/operation';
import { positionText } from './list-log';
import { presentLog } from './present-log';

export const NDJSON_TYPE = 'application/x-ndjson';

/** The first page is small, so that it is there at once. */
const FIRST_PAGE = 50;
const PAGE = 250;

/**
 * Records oldest first, page by page. What is in memory is one page of some mebibytes at most, whatever the log holds; between pages nothing is
 * held open in the database.
 */
export async function* recordPages(
  db: Executor,
  filter: LogFilter,
  after: LogPosition | null,
  limit = Infinity,
): AsyncGenerator<LogRecord[]> {
  let left = limit;
  let position = after;
  for (let size = FIRST_PAGE; left > 0; size = PAGE) {
    const wanted = Math.min(size, left);
    const options = { order: 'settled', after: position, limit: wanted } as const;
    const { records, hasMore } = await readLog(db, filter, options);
    if (records.length > 0) yield records;
    left -= records.length;
    position = records.at(-1) ?? position;
    if (!hasMore) return;
  }
}

/** NDJSON: one record a line, each with the cursor from which an export that broke off goes on. */
export async function* linePages(
  { cursors }: ApiContext,
  orgId: string,
  pages: AsyncIterable<LogRecord[]>,
): AsyncGenerator<ExportPage> {
  for await (const page of pages) {
    const lines = page.map((record) => {
      const exportCursor = cursors.encode('export', orgId, positionText(record));
      return `${lineWithRaw({ ...presentLog(record, orgId), exportCursor })}\n`;
    });
    yield { text: lines.join(''), records: page.length };
  }
}

/** CSV: a header row, then a row a record; the last column is the cursor from which to go on. */
export async function* csvPages(
  { cursors }: ApiContext,
  orgId: string,
  pages: AsyncIterable<LogRecord[]>,
): AsyncGenerator<ExportPage> {
  let head = csv([...LOG_COLUMNS, 'exportCursor'], []);
  for await (const page of pages) {
    const rows = page.map((record) => [
      ...logCells(record),
      cursors.encode('export', orgId, positionText(record)),
    ]);
    yield { text: head + csv(null, rows), records: page.length };
    head = '';
  }
  if (head !== '') yield { text: head, records: 0 };
}

/** Text of some whole records. */
export interface ExportPage {
  readonly text: string;
  readonly records: number;
}

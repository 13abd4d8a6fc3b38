import { stringify } from 'csv-stringify/sync';

/** A table as CSV (RFC 4180) with a header row, or rows alone without columns. What a spreadsheet would take for a formula gets a leading apostrophe. */
export function csv(
  columns: readonly string[] | null,
  rows: readonly (readonly (string | number | null)[])[],
): string {
  return stringify([...(columns ? [[...columns]] : []), ...rows.map((row) => row.map(defused))], {
    record_delimiter: '\r\n',
  });
}

/** Text that starts like a formula (=, +, -, @, tab, return) can't run in a spreadsheet. Numbers stay numbers. */
export function defused(cell: string | number | null): string | number | null {
  return typeof cell === 'string' && /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
}

export const CSV_TYPE = 'text/csv; charset=utf-8';

import type { DataSource } from 'typeorm';
import type { SecretBox } from '../platform/secret-box';
import { messageOf } from '../platform/message-of';
import { SEALED, type SealedTable } from './sealed-columns';

const PAGE = 200;

/** What was found in a table's sealed columns. */
export interface Resealed {
  readonly table: string;
  /** Texts that an older key had sealed: sealed anew, or to be. */
  readonly old: number;
  /** Texts that none of the keys opens, with the first one's row and reason. They are left as they are. */
  readonly closed: number;
  readonly firstClosed: string | null;
}

type Row = Readonly<Record<string, unknown>>;

/**
 * Seals everything anew that the first key of SECRETS_KEY did not seal, a page of rows a transaction. Safe to repeat,
 * to stop anywhere and to run beside the product: a text that changes meanwhile is left to whoever changed it.
 */
export async function resealSecrets(
  db: DataSource,
  secrets: SecretBox,
  options: { readonly dryRun: boolean },
): Promise<Resealed[]> {
  const all: Resealed[] = [];
  for (const sealed of SEALED) all.push(await resealTable(db, sealed, secrets, options.dryRun));
  return all;
}

async function resealTable(
  db: DataSource,
  sealed: SealedTable,
  secrets: SecretBox,
  dryRun: boolean,
): Promise<Resealed> {
  const { table, columns, context } = sealed;
  let old = 0;
  let closed = 0;
  let firstClosed: string | null = null;
  for (let after: Row | null = null; ;) {
    const rows = await pageOf(db, sealed, secrets.sealedPrefix, after);
    for (const row of rows) {
      for (const column of columns) {
        const text = row[column] as string | null;
        if (text === null || text.startsWith(secrets.sealedPrefix)) continue;
        try {
          const fresh = secrets.seal(secrets.open(text, context(row)), context(row));
          old++;
          if (!dryRun) await replace(db, sealed, row, column, text, fresh);
        } catch (error) {
          closed++;
          const reason = messageOf(error);
          firstClosed ??= `${Object.values(keyOf(sealed, row)).join(' ')}: ${reason}`;
        }
      }
    }
    after = rows.at(-1) ?? null;
    if (rows.length < PAGE) return { table, old, closed, firstClosed };
  }
}

function keyOf({ key }: SealedTable, row: Row): Row {
  return Object.fromEntries(Object.keys(key).map((name) => [name, row[name]]));
}

async function pageOf(
  db: DataSource,
  { table, columns, key }: SealedTable,
  prefix: string,
  after: Row | null,
): Promise<Row[]> {
  const names = Object.keys(key);
  const isOld = columns.map((column) => `NOT starts_with(${column}, $1)`).join(' OR ');
  const bound = Object.entries(key).map(([, type], i) => `$${i + 2}::${type}`);
  const beyond = after ? `AND (${names.join(', ')}) > (${bound.join(', ')})` : '';
  return db.query(
    `SELECT ${[...names, ...columns].join(', ')} FROM ${table} WHERE (${isOld}) ${beyond}
     ORDER BY ${names.join(', ')} LIMIT ${PAGE}`,
    [prefix, ...(after ? names.map((name) => after[name]) : [])],
  );
}

async function replace(
  db: DataSource,
  sealed: SealedTable,
  row: Row,
  column: string,
  text: string,
  fresh: string,
): Promise<void> {
  const key = keyOf(sealed, row);
  const same = Object.keys(key).map((name, i) => `${name} = $${i + 3}`);
  await db.query(
    `UPDATE ${sealed.table} SET ${column} = $1 WHERE ${column} = $2 AND ${same.join(' AND ')}`,
    [fresh, text, ...Object.values(key)],
  );
}

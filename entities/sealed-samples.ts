import type { DataSource } from 'typeorm';
import type { SecretBox } from '../platform/secret-box';
import { messageOf } from '../platform/message-of';
import { SEALED } from './sealed-columns';

/** Texts of one column that one key sealed: how many, and whether one of them opens. */
export interface SealedSample {
  readonly column: string;
  readonly keyId: string;
  readonly count: number;
  /** Why one of them does not open; null where it does. */
  readonly fault: string | null;
}

/** Counts sealed texts by column and key, and opens one of each. */
export async function sampleSealed(db: DataSource, secrets: SecretBox): Promise<SealedSample[]> {
  const samples: SealedSample[] = [];
  for (const { table, columns, key, context } of SEALED) {
    for (const column of columns) {
      const rows: (Record<string, unknown> & { key_id: string; n: number; sealed: string })[] =
        await db.query(
          `SELECT DISTINCT ON (key_id) key_id, count(*) OVER (PARTITION BY key_id)::int AS n, ${column} AS sealed,
             ${Object.keys(key).join(', ')}
           FROM (SELECT *, split_part(left(${column}, 16), '.', 2) AS key_id FROM ${table}) t
           WHERE ${column} IS NOT NULL ORDER BY key_id`,
        );
      for (const row of rows) {
        const fault = reasonOf(() => secrets.open(row.sealed, context(row)));
        samples.push({ column: `${table}.${column}`, keyId: row.key_id, count: row.n, fault });
      }
    }
  }
  return samples;
}

function reasonOf(act: () => unknown): string | null {
  try {
    act();
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

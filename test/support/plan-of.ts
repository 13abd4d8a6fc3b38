import type { DataSource, EntityManager } from 'typeorm';

/** How Postgres would run a statement: EXPLAIN's lines as one text. */
export async function planOf(
  db: Pick<DataSource | EntityManager, 'query'>,
  text: string,
  values: unknown[] = [],
): Promise<string> {
  const plan = await db.query<{ 'QUERY PLAN': string }[]>(`EXPLAIN ${text}`, values);
  return plan.map((line) => line['QUERY PLAN']).join('\n');
}

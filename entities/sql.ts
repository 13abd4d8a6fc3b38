import type { DataSource, EntityManager } from 'typeorm';
import type { Pool, PoolClient, QueryResultRow } from 'pg';

/** What can run a statement: the data source (one connection of its pool, autocommit) or a transaction. */
export type Executor = DataSource | EntityManager;

/** A hand-written statement with a name, so that Postgres parses and plans it once a connection. */
export interface Statement<Row extends QueryResultRow> {
  readonly name: string;
  readonly text: string;
  /** Only there to carry the row's type. */
  readonly row?: Row;
}

export function statement<Row extends QueryResultRow>(name: string, text: string): Statement<Row> {
  return { name, text };
}

/** How often a migration has changed, under this process, what a statement answers: it is prepared anew each time. */
const changes = new Map<string, number>();

/**
 * Runs a statement on the given executor and answers its rows. Throws pg's errors unchanged; one whose prepared form a
 * migration has overtaken is run again, or, in a transaction, throws what `isTransactionUndone` knows.
 */
export async function run<Row extends QueryResultRow>(
  executor: Executor,
  { name, text }: Statement<Row>,
  values: readonly unknown[],
): Promise<Row[]> {
  const client = await clientOf(executor);
  for (;;) {
    const change = changes.get(name) ?? 0;
    const query = { name: change > 0 ? `${name} ${change}` : name, text, values: [...values] };
    try {
      return (await client.query<Row>(query)).rows;
    } catch (error) {
      if (!isPlanOvertaken(error)) throw error;
      if ((changes.get(name) ?? 0) === change) changes.set(name, change + 1);
      if (inTransaction(executor)) throw error;
    }
  }
}

const inTransaction = (executor: Executor): boolean =>
  !('manager' in executor) && executor.queryRunner !== undefined;

/** feature_not_supported, of a prepared statement whose table has got a column since. */
function isPlanOvertaken(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return code === '0A000' && String(message).startsWith('cached plan must not change');
}

async function clientOf(executor: Executor): Promise<Pool | PoolClient> {
  if ('manager' in executor) return poolOf(executor);
  if (executor.queryRunner) return (await executor.queryRunner.connect()) as PoolClient;
  return poolOf(executor.dataSource);
}

/** Whether Postgres gave up on a transaction for another's sake (serialization, deadlock, a migration): nothing of it was done. */
export function isTransactionUndone(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === '40001' || code === '40P01' || isPlanOvertaken(error);
}

/** The data source's own pg pool. */
export function poolOf(dataSource: DataSource): Pool {
  return (dataSource.driver as unknown as { master: Pool }).master;
}

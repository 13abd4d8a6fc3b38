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

/** Runs a statement on the given executor and answers its rows. Throws pg's errors unchanged. */
export async function run<Row extends QueryResultRow>(
  executor: Executor,
  { name, text }: Statement<Row>,
  values: readonly unknown[],
): Promise<Row[]> {
  const client = await clientOf(executor);
  const result = await client.query<Row>({ name, text, values: [...values] });
  return result.rows;
}

async function clientOf(executor: Executor): Promise<Pool | PoolClient> {
  if ('manager' in executor) return poolOf(executor);
  if (executor.queryRunner) return (await executor.queryRunner.connect()) as PoolClient;
  return poolOf(executor.dataSource);
}

/** Whether Postgres gave up on a transaction for another's sake (serialization, deadlock): nothing of it was done. */
export function isTransactionUndone(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === '40001' || code === '40P01';
}

/** The data source's own pg pool. */
export function poolOf(dataSource: DataSource): Pool {
  return (dataSource.driver as unknown as { master: Pool }).master;
}

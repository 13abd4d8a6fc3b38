import { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { postgresUrl } from '../../devstack/postgres';
import { createDataSource } from '../../entities/data-source';

export interface TestDatabase {
  readonly url: string;
  readonly db: DataSource;
  close(): Promise<void>;
}

/** A database of its own for a test file, cloned from the migrated template. */
export async function freshDatabase(): Promise<TestDatabase> {
  const port = Number(process.env['TEST_POSTGRES_PORT']);
  const name = `test_${process.pid}_${Date.now().toString(36)}_${Math.random().toString(36).slice(2, 8)}`;
  await asAdmin(port, `CREATE DATABASE ${name} TEMPLATE template_secapi`);
  const url = postgresUrl(port, name);
  const db = createDataSource({ url, poolSize: 10, applicationName: 'secapi-test' });
  await db.initialize();
  return {
    url,
    db,
    async close() {
      await db.destroy();
      await asAdmin(port, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

/** Connections of their own to a test's database, which stays when they are closed. */
export async function sameDatabase(url: string): Promise<TestDatabase> {
  const db = createDataSource({ url, poolSize: 10, applicationName: 'secapi-test-other' });
  await db.initialize();
  return {
    url,
    db,
    async close() {
      if (db.isInitialized) await db.destroy();
    },
  };
}

async function asAdmin(port: number, sql: string): Promise<void> {
  const client = new Client({ connectionString: postgresUrl(port, 'postgres') });
  await client.connect();
  await client.query(sql);
  await client.end();
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What a summary counts in the piece of an hour that no rollup covers, its index holds: the rows themselves aren't
 * visited. The tables are large, so the indexes are built and dropped while others read and write, and the one that
 * serves is there until the other one does. What is broken off goes on when it is run again.
 */
export class CoveringIndexes1764995000000 implements MigrationInterface {
  readonly transaction = false;

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const [name, on, included] of INDEXES) {
      if (!(await isCovering(queryRunner, name))) {
        await queryRunner.query(`DROP INDEX CONCURRENTLY IF EXISTS ${name}_new`);
        await queryRunner.query(
          `CREATE INDEX CONCURRENTLY ${name}_new ON ${on} INCLUDE (${included})`,
        );
        // One query, and so one transaction.
        await queryRunner.query(
          `ALTER INDEX ${name} RENAME TO ${name}_old; ALTER INDEX ${name}_new RENAME TO ${name}`,
        );
      }
      await queryRunner.query(`DROP INDEX CONCURRENTLY IF EXISTS ${name}_old`);
    }
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const [name, on] of INDEXES) {
      await queryRunner.query(`DROP INDEX ${name}`);
      await queryRunner.query(`CREATE INDEX ${name} ON ${on}`);
    }
  }
}

async function isCovering(queryRunner: QueryRunner, name: string): Promise<boolean> {
  const rows = (await queryRunner.query(
    'SELECT FROM pg_index WHERE indexrelid = $1::regclass AND indnatts > indnkeyatts',
    [name],
  )) as unknown[];
  return rows.length > 0;
}

const INDEXES = [
  [
    'webhook_attempts_endpoint',
    'webhook_attempts (endpoint_id, id)',
    'event_type, http_status, ok, trigger, livemode, created_at',
  ],
  ['stream_events_type', 'stream_events (stream_id, event_type, xid, id)', 'recorded_at'],
] as const;

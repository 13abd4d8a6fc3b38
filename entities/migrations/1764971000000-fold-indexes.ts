import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Indexes by xid alone are for folding: their condition keeps them out of the plans of everything else. The tables are
 * large, so they are built and dropped while others read and write; what a broken-off build left is built anew.
 */
export class FoldIndexes1764971000000 implements MigrationInterface {
  readonly transaction = false;

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const table of TABLES) {
      await queryRunner.query(`DROP INDEX CONCURRENTLY IF EXISTS ${table}_fold`);
      await queryRunner.query(
        `CREATE INDEX CONCURRENTLY ${table}_fold ON ${table} (xid) WHERE event_id <> ''`,
      );
    }
    await queryRunner.query('DROP INDEX CONCURRENTLY IF EXISTS webhook_attempts_xid');
    await queryRunner.query('DROP INDEX CONCURRENTLY IF EXISTS stream_events_recorded');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('CREATE INDEX webhook_attempts_xid ON webhook_attempts (xid)');
    await queryRunner.query(
      'CREATE INDEX stream_events_recorded ON stream_events (org_id, recorded_at) INCLUDE (stream_id, event_type)',
    );
    for (const table of TABLES) await queryRunner.query(`DROP INDEX ${table}_fold`);
  }
}

const TABLES = ['stream_events', 'webhook_attempts'] as const;

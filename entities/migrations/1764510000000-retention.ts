import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Indexes that find what is old enough to be dropped; where ids sort by time, the primary key does. */
export class Retention1764510000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of UP) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await queryRunner.query(statement);
  }
}

const UP = [
  'CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at)',
  'CREATE INDEX usage_events_period ON usage_events (period)',
  'CREATE INDEX stripe_events_applied ON stripe_events (applied_at) WHERE applied_at IS NOT NULL',
  // A BRIN index tells little once new rows fill the room that dropped ones left.
  'DROP INDEX request_records_time',
  'CREATE INDEX request_records_time ON request_records (recorded_at)',
];
const DOWN = [
  'DROP INDEX request_records_time',
  'CREATE INDEX request_records_time ON request_records USING brin (recorded_at)',
  'DROP INDEX stripe_events_applied',
  'DROP INDEX usage_events_period',
  'DROP INDEX idempotency_keys_age',
];

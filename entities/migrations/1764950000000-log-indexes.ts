import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Streams and the log narrowed to a type or to test records, and the count of a stream's records, each walk an index. */
export class LogIndexes1764950000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const [name, on] of INDEXES) await queryRunner.query(`CREATE INDEX ${name} ON ${on}`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const [name] of INDEXES) await queryRunner.query(`DROP INDEX ${name}`);
  }
}

const INDEXES = [
  ['stream_events_type', 'stream_events (stream_id, event_type, xid, id)'],
  ['stream_events_log_type', 'stream_events (org_id, event_type, xid, id)'],
  ['stream_events_recorded', 'stream_events (org_id, recorded_at) INCLUDE (stream_id, event_type)'],
  ['events_test', 'events (org_id, xid, id) WHERE NOT livemode'],
  ['webhook_attempts_test', 'webhook_attempts (org_id, xid, id) WHERE NOT livemode'],
] as const;

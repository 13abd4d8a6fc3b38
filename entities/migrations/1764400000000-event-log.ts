import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The order of commits, over everything that an organization's event log holds; requests found by their id. */
export class EventLog1764400000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of UP) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const name of INDEXES) await queryRunner.query(`DROP INDEX ${name}`);
  }
}

const UP = [
  'CREATE INDEX webhook_attempts_position ON webhook_attempts (org_id, xid, id)',
  'CREATE INDEX webhook_attempts_request ON webhook_attempts (request_id)',
  'CREATE INDEX stream_events_log ON stream_events (org_id, xid, id)',
  'CREATE INDEX stream_events_request ON stream_events (request_id)',
  'CREATE INDEX webhook_deliveries_request ON webhook_deliveries (request_id)',
];
const INDEXES = [
  'webhook_attempts_position',
  'webhook_attempts_request',
  'stream_events_log',
  'stream_events_request',
  'webhook_deliveries_request',
];

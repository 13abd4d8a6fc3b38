import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Replays and mails remember which request asked for them; what a request caused is found by its id everywhere. Lists
 * narrowed to a type or an endpoint walk an index of their own.
 */
export class RequestIds1764910000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of UP) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const name of INDEXES) await queryRunner.query(`DROP INDEX ${name}`);
    await queryRunner.query('ALTER TABLE mails DROP COLUMN request_id');
    await queryRunner.query(
      'ALTER TABLE webhook_replays DROP COLUMN request_id, DROP COLUMN requested_by',
    );
  }
}

const TABLES = ['webhook_recoveries', 'budget_approvals', 'checkouts', 'audit_records'];
const SPARSE = ['webhook_replays', 'mails', 'usage_events'];
const INDEXES = [
  ...[...TABLES, ...SPARSE].map((table) => `${table}_request`),
  'webhook_replays_delivery',
  'events_type',
  'webhook_attempts_type',
  'webhook_deliveries_endpoint',
];

const UP = [
  'ALTER TABLE webhook_replays ADD COLUMN request_id text, ADD COLUMN requested_by text COLLATE "C"',
  'ALTER TABLE mails ADD COLUMN request_id text',
  ...TABLES.map((table) => `CREATE INDEX ${table}_request ON ${table} (request_id)`),
  ...SPARSE.map(
    (table) =>
      `CREATE INDEX ${table}_request ON ${table} (request_id) WHERE request_id IS NOT NULL`,
  ),
  'CREATE INDEX webhook_replays_delivery ON webhook_replays (delivery_id)',
  'CREATE INDEX events_type ON events (org_id, type, xid, id)',
  'CREATE INDEX webhook_attempts_type ON webhook_attempts (org_id, event_type, xid, id)',
  'CREATE INDEX webhook_deliveries_endpoint ON webhook_deliveries (endpoint_id, id)',
];

import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Tickets and the sockets they opened; streams that were deleted. */
export class StreamSockets1764570000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of UP) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE stream_tickets');
    await queryRunner.query('ALTER TABLE stream_subscriptions DROP COLUMN deleted_at');
  }
}

const ID = 'text COLLATE "C"';

const UP = [
  `CREATE TABLE stream_tickets (
    id ${ID} PRIMARY KEY,
    org_id ${ID} NOT NULL REFERENCES organizations (id),
    livemode boolean NOT NULL,
    principal_id ${ID} NOT NULL,
    hash bytea NOT NULL UNIQUE,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    stream_id ${ID},
    open_until timestamptz
  )`,
  'CREATE INDEX stream_tickets_open ON stream_tickets (org_id, open_until)',
  'ALTER TABLE stream_subscriptions ADD COLUMN deleted_at timestamptz',
];

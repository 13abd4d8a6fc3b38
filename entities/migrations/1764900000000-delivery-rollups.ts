import { MigrationOfStatements } from '../migration-of-statements';

/** Counts of attempts and deliveries by hour and day, so that reading a month's figures takes no walk over its rows. */
export class DeliveryRollups1764900000000 extends MigrationOfStatements {
  constructor() {
    super(UP, DOWN);
  }
}

const ID = 'text COLLATE "C"';

const UP = [
  `CREATE TABLE attempt_rollups (
    org_id ${ID} NOT NULL,
    grain text NOT NULL CHECK (grain IN ('hour', 'day')),
    starts_at timestamptz NOT NULL,
    livemode boolean NOT NULL,
    endpoint_id ${ID} NOT NULL,
    event_type text NOT NULL,
    http_status int NOT NULL,
    ok_count bigint NOT NULL,
    error_count bigint NOT NULL,
    replay_count bigint NOT NULL,
    last_seen_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, grain, starts_at, livemode, endpoint_id, event_type, http_status)
  ) WITH (fillfactor = 70)`,
  'CREATE INDEX attempt_rollups_time ON attempt_rollups (grain, starts_at)',
  `CREATE TABLE delivery_rollups (
    org_id ${ID} NOT NULL,
    grain text NOT NULL CHECK (grain IN ('hour', 'day')),
    starts_at timestamptz NOT NULL,
    livemode boolean NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('delivered', 'failed', 'silent', 'cancelled')),
    bucket int NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (org_id, grain, starts_at, livemode, outcome, bucket)
  ) WITH (fillfactor = 70)`,
  'CREATE TABLE rollup_marks (name text PRIMARY KEY, xid xid8 NOT NULL)',
  `INSERT INTO rollup_marks VALUES ('attempts', '0')`,
  'ALTER TABLE webhook_deliveries ADD COLUMN counted_as text, ADD COLUMN counted_bucket int',
  'CREATE INDEX webhook_attempts_xid ON webhook_attempts (xid)',
  `CREATE INDEX webhook_deliveries_uncounted ON webhook_deliveries (org_id)
    WHERE status IN ('failed', 'cancelled') AND counted_as IS NULL`,
  `CREATE INDEX webhook_deliveries_undelivered ON webhook_deliveries (org_id, status, id) WHERE status <> 'delivered'`,
  `CREATE INDEX webhook_deliveries_failed ON webhook_deliveries (finished_at) WHERE status = 'failed'`,
];

const DOWN = [
  'DROP INDEX webhook_deliveries_failed, webhook_deliveries_undelivered, webhook_deliveries_uncounted, webhook_attempts_xid',
  'ALTER TABLE webhook_deliveries DROP COLUMN counted_as, DROP COLUMN counted_bucket',
  'DROP TABLE rollup_marks, delivery_rollups, attempt_rollups',
];

import { MigrationOfStatements } from '../migration-of-statements';

/** Indexes that find what is old enough to be dropped; where ids sort by time, the primary key does. */
export class Retention1764510000000 extends MigrationOfStatements {
  constructor() {
    super(UP, DOWN);
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

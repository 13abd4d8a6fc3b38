import { MigrationOfStatements } from '../migration-of-statements';

/** What was told of an endpoint that fails; how many attempts a second it takes, and when the next one may be made. */
export class EndpointHealth1764530000000 extends MigrationOfStatements {
  constructor() {
    super(UP, DOWN);
  }
}

const UP = [
  `ALTER TABLE webhook_endpoints ADD COLUMN failing_told int NOT NULL DEFAULT 0`,
  `CREATE INDEX webhook_endpoints_failing ON webhook_endpoints (failing_since)
    WHERE failing_since IS NOT NULL AND status = 'active' AND deleted_at IS NULL`,
  `ALTER TABLE webhook_endpoints ADD COLUMN max_per_second int CHECK (max_per_second > 0)`,
  `CREATE TABLE endpoint_paces (
    endpoint_id text COLLATE "C" PRIMARY KEY REFERENCES webhook_endpoints (id),
    next_at timestamptz NOT NULL
  ) WITH (fillfactor = 50)`,
  `ALTER TABLE webhook_deliveries ADD COLUMN slot_at timestamptz`,
];

const DOWN = [
  `ALTER TABLE webhook_deliveries DROP COLUMN slot_at`,
  `DROP TABLE endpoint_paces`,
  `ALTER TABLE webhook_endpoints DROP COLUMN max_per_second`,
  `DROP INDEX webhook_endpoints_failing`,
  `ALTER TABLE webhook_endpoints DROP COLUMN failing_told`,
];

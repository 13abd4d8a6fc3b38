import { MigrationOfStatements } from '../migration-of-statements';

/** Recoveries, whose replays are rows from the start: queued, then asked for like any other. */
export class Recoveries1764520000000 extends MigrationOfStatements {
  constructor() {
    super(UP, DOWN);
  }
}

const ID = 'text COLLATE "C"';

const UP = [
  `CREATE TABLE webhook_recoveries (
    id ${ID} PRIMARY KEY,
    org_id ${ID} NOT NULL REFERENCES organizations (id),
    livemode boolean NOT NULL,
    endpoint_id ${ID} NOT NULL REFERENCES webhook_endpoints (id),
    status text NOT NULL CHECK (status IN ('running', 'paused', 'done', 'cancelled')),
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    per_second int NOT NULL CHECK (per_second > 0),
    rate double precision NOT NULL,
    next_at timestamptz NOT NULL,
    total int NOT NULL,
    replayed int NOT NULL DEFAULT 0,
    succeeded int NOT NULL DEFAULT 0,
    failed int NOT NULL DEFAULT 0,
    request_id text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    finished_at timestamptz,
    CHECK (succeeded + failed <= replayed AND replayed <= total)
  ) WITH (fillfactor = 50)`,
  `CREATE UNIQUE INDEX webhook_recoveries_open ON webhook_recoveries (endpoint_id) WHERE status IN ('running', 'paused')`,
  `CREATE INDEX webhook_recoveries_org ON webhook_recoveries (org_id, id)`,
  `ALTER TABLE webhook_replays ADD COLUMN recovery_id ${ID}`,
  `ALTER TABLE webhook_replays DROP CONSTRAINT webhook_replays_status_check`,
  `ALTER TABLE webhook_replays ADD CONSTRAINT webhook_replays_status_check
    CHECK (status IN ('queued', 'waiting', 'done', 'refused'))`,
  `DROP INDEX webhook_replays_waiting`,
  `CREATE INDEX webhook_replays_waiting ON webhook_replays (delivery_id) WHERE status IN ('queued', 'waiting')`,
  `CREATE UNIQUE INDEX webhook_replays_recovery ON webhook_replays (recovery_id, delivery_id) WHERE recovery_id IS NOT NULL`,
  `CREATE INDEX webhook_replays_queued ON webhook_replays (recovery_id, delivery_id) WHERE status = 'queued'`,
  `CREATE INDEX webhook_replays_in_flight ON webhook_replays (recovery_id)
    WHERE status = 'waiting' AND recovery_id IS NOT NULL`,
];

const DOWN = [
  `DELETE FROM webhook_replays WHERE status = 'queued'`,
  `ALTER TABLE webhook_replays DROP CONSTRAINT webhook_replays_status_check`,
  `ALTER TABLE webhook_replays ADD CONSTRAINT webhook_replays_status_check
    CHECK (status IN ('waiting', 'done', 'refused'))`,
  `DROP INDEX webhook_replays_in_flight, webhook_replays_queued, webhook_replays_recovery, webhook_replays_waiting`,
  `CREATE INDEX webhook_replays_waiting ON webhook_replays (delivery_id) WHERE status = 'waiting'`,
  `ALTER TABLE webhook_replays DROP COLUMN recovery_id`,
  `DROP TABLE webhook_recoveries`,
];

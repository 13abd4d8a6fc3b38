import { MigrationOfStatements } from '../migration-of-statements';

/** Durable exports; and when a charge or a reported event was last written, so that a report's range stands still. */
export class Artifacts1764500000000 extends MigrationOfStatements {
  constructor() {
    super(UP, DOWN);
  }
}

const ID = 'text COLLATE "C"';

const UP = [
  `CREATE TABLE artifacts (
    id ${ID} PRIMARY KEY,
    org_id ${ID} NOT NULL REFERENCES organizations (id),
    livemode boolean NOT NULL,
    kind text NOT NULL CHECK (kind IN ('json_bundle', 'csv_tablet', 'markdown_bundle')),
    report text NOT NULL CHECK (report IN ('events', 'usage', 'deliveries', 'audit')),
    since timestamptz,
    until timestamptz,
    below_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    up_to_seq bigint NOT NULL,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'ready', 'failed')),
    error text,
    records bigint NOT NULL DEFAULT 0,
    total_records bigint,
    storage_mode text NOT NULL CHECK (storage_mode IN ('local', 'r2')),
    object_key text,
    byte_length bigint,
    line_count bigint,
    sha1 text,
    sha256 text,
    intent text,
    charge_id ${ID},
    request_id text NOT NULL,
    requested_by ${ID} NOT NULL,
    repair_request_id text,
    created_at timestamptz NOT NULL,
    touched_at timestamptz NOT NULL,
    finished_at timestamptz
  )`,
  'CREATE INDEX artifacts_org ON artifacts (org_id, id)',
  'CREATE INDEX artifacts_request ON artifacts (request_id)',
  'CREATE INDEX artifacts_repair ON artifacts (repair_request_id) WHERE repair_request_id IS NOT NULL',
  'CREATE UNIQUE INDEX artifacts_intent ON artifacts (org_id, intent) WHERE intent IS NOT NULL',
  `CREATE INDEX artifacts_pending ON artifacts (touched_at) WHERE status = 'pending'`,
  'ALTER TABLE charges ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id()',
  'ALTER TABLE usage_events ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id()',
];

const DOWN = [
  'ALTER TABLE usage_events DROP COLUMN xid',
  'ALTER TABLE charges DROP COLUMN xid',
  'DROP TABLE artifacts',
];

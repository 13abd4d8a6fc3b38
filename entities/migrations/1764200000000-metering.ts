import { MigrationOfStatements } from '../migration-of-statements';

/** Charges, reported usage, what requests were made, budgets and their approvals. */
export class Metering1764200000000 extends MigrationOfStatements {
  constructor() {
    super(UP, DOWN);
  }
}

const ID = 'text COLLATE "C"';

const UP = [
  'ALTER TABLE organizations ADD COLUMN card_on_file boolean NOT NULL DEFAULT false',
  `ALTER TABLE budget_periods
    ADD COLUMN cap_micros bigint,
    ADD COLUMN threshold_micros bigint,
    ADD COLUMN budget_seq int NOT NULL DEFAULT 0,
    ADD COLUMN lines jsonb NOT NULL DEFAULT '{}'`,
  `CREATE INDEX budget_periods_capped ON budget_periods (period) WHERE cap_micros IS NOT NULL`,
  `ALTER TABLE budget_periods ALTER COLUMN lines SET STORAGE MAIN`,
  `CREATE FUNCTION add_usage_line(lines jsonb, line text, units bigint, requests bigint, micros bigint, at text)
   RETURNS jsonb LANGUAGE sql STABLE AS $$
     SELECT lines || jsonb_build_object(line, jsonb_build_object(
       'units', coalesce((lines->line->>'units')::bigint, 0) + units,
       'requests', coalesce((lines->line->>'requests')::bigint, 0) + requests,
       'micros', coalesce((lines->line->>'micros')::bigint, 0) + micros,
       'at', greatest(lines->line->>'at', at)))
   $$`,
  `CREATE TABLE charges (
    id ${ID} PRIMARY KEY,
    org_id ${ID} NOT NULL REFERENCES organizations (id),
    livemode boolean NOT NULL,
    key text NOT NULL,
    period text NOT NULL,
    meter_class text NOT NULL,
    family text NOT NULL,
    units bigint NOT NULL,
    unit_micros bigint NOT NULL,
    amount_micros bigint NOT NULL,
    by_grant boolean NOT NULL,
    by_quota boolean NOT NULL,
    status text NOT NULL CHECK (status IN ('charged', 'reserved', 'released')),
    plan_key text NOT NULL,
    rate_card text NOT NULL,
    request_id text NOT NULL,
    principal_id ${ID} NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    settled_at timestamptz
  )`,
  `CREATE UNIQUE INDEX charges_key ON charges (org_id, livemode, key)`,
  `CREATE INDEX charges_period ON charges (org_id, period, created_at)`,
  `CREATE INDEX charges_reserved ON charges (expires_at) WHERE status = 'reserved'`,
  `CREATE INDEX charges_request ON charges (request_id)`,
  `CREATE TABLE usage_events (
    org_id ${ID} NOT NULL REFERENCES organizations (id),
    livemode boolean NOT NULL,
    period text NOT NULL,
    event_id text NOT NULL,
    meter_class text NOT NULL,
    family text NOT NULL,
    units bigint NOT NULL,
    unit_micros bigint NOT NULL,
    amount_micros bigint NOT NULL,
    plan_key text NOT NULL,
    rate_card text NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    request_id text,
    corrects text,
    principal_id ${ID} NOT NULL,
    PRIMARY KEY (org_id, livemode, period, event_id)
  )`,
  `CREATE INDEX usage_events_corrects ON usage_events (org_id, livemode, corrects) WHERE corrects IS NOT NULL`,
  `CREATE TABLE delivered_counts (
    org_id ${ID} NOT NULL,
    period text NOT NULL,
    units bigint NOT NULL,
    last_at timestamptz NOT NULL
  )`,
  `CREATE TABLE request_records (
    recorded_at timestamptz NOT NULL,
    request_id text NOT NULL,
    org_id ${ID} NOT NULL,
    livemode boolean NOT NULL,
    principal_id ${ID},
    auth_mode text,
    meter_class text NOT NULL,
    method text NOT NULL,
    path text NOT NULL,
    status int NOT NULL,
    latency_ms int NOT NULL
  )`,
  `CREATE INDEX request_records_request ON request_records (request_id)`,
  `CREATE INDEX request_records_time ON request_records USING brin (recorded_at)`,
  `CREATE TABLE usage_meters (
    org_id ${ID} NOT NULL,
    livemode boolean NOT NULL,
    period text NOT NULL,
    meter_class text NOT NULL,
    count bigint NOT NULL,
    success_count bigint NOT NULL,
    error_count bigint NOT NULL,
    latency_ms_sum bigint NOT NULL,
    last_seen_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, livemode, period, meter_class)
  )`,
  `CREATE TABLE budget_approvals (
    id ${ID} PRIMARY KEY,
    org_id ${ID} NOT NULL REFERENCES organizations (id),
    period text NOT NULL,
    budget_seq int NOT NULL,
    ceiling_micros bigint NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'approved', 'rejected', 'expired', 'superseded', 'withdrawn')),
    threshold_cents bigint NOT NULL,
    accrued_micros bigint NOT NULL,
    asked_up_to_micros bigint,
    approved_up_to_micros bigint,
    requested_by text NOT NULL,
    decided_by text,
    note text,
    request_id text NOT NULL,
    reminders int NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    decided_at timestamptz,
    expires_at timestamptz NOT NULL
  )`,
  `CREATE INDEX budget_approvals_org ON budget_approvals (org_id, id)`,
  `CREATE UNIQUE INDEX budget_approvals_pending ON budget_approvals (org_id, period, budget_seq, ceiling_micros)
    WHERE status = 'pending'`,
];

const DOWN = [
  'DROP TABLE budget_approvals, usage_meters, request_records, delivered_counts, usage_events, charges',
  'DROP INDEX budget_periods_capped',
  `ALTER TABLE budget_periods DROP COLUMN cap_micros, DROP COLUMN threshold_micros,
    DROP COLUMN budget_seq, DROP COLUMN lines`,
  'DROP FUNCTION add_usage_line',
  'ALTER TABLE organizations DROP COLUMN card_on_file',
];

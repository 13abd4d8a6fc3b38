import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Identity, catalogue-bound billing state, events, deliveries, streams, the outbox, idempotency and the audit chain. */
export class Ground1764000000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of UP) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of [...TABLES].reverse()) await queryRunner.query(`DROP TABLE ${table}`);
  }
}

const TABLES = [
  'organizations',
  'api_keys',
  'budget_periods',
  'events',
  'webhook_endpoints',
  'webhook_deliveries',
  'webhook_attempts',
  'webhook_replays',
  'stream_subscriptions',
  'stream_events',
  'outbox',
  'idempotency_keys',
  'audit_heads',
  'audit_records',
  'worker_heartbeats',
];

/** Ids are compared byte by byte everywhere: the C collation keeps their order the order of time. */
const ID = 'text COLLATE "C"';

const UP = [
  `CREATE TABLE organizations (
    id ${ID} PRIMARY KEY,
    name text,
    metadata jsonb NOT NULL DEFAULT '{}',
    plan_key text NOT NULL,
    billing_state text NOT NULL,
    requests_per_minute int,
    api_key_limit int,
    seat_limit int,
    suspended_at timestamptz,
    spend_cap_cents bigint,
    soft_cap_cents bigint,
    approval_threshold_cents bigint,
    require_other_approver boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL
  )`,
  `CREATE TABLE api_keys (
    id ${ID} PRIMARY KEY,
    org_id ${ID} NOT NULL REFERENCES organizations (id),
    livemode boolean NOT NULL,
    label text,
    key_prefix text NOT NULL,
    hash bytea NOT NULL UNIQUE,
    scopes text[] NOT NULL,
    status text NOT NULL CHECK (status IN ('active', 'revoked')),
    ip_allowlist text[],
    replaces ${ID},
    created_by ${ID},
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz
  )`,
  `CREATE INDEX api_keys_org ON api_keys (org_id, id)`,
  `CREATE TABLE budget_periods (
    org_id ${ID} NOT NULL REFERENCES organizations (id),
    period text NOT NULL CHECK (period ~ '^[0-9]{4}-[0-9]{2}$'),
    accrued_micros bigint NOT NULL DEFAULT 0,
    held_micros bigint NOT NULL DEFAULT 0,
    grant_used int NOT NULL DEFAULT 0,
    grant_held int NOT NULL DEFAULT 0,
    ai_queries_used bigint NOT NULL DEFAULT 0,
    approved_up_to_micros bigint,
    alerted_percent int NOT NULL DEFAULT 0,
    PRIMARY KEY (org_id, period)
  ) WITH (fillfactor = 50)`,
  `CREATE TABLE events (
    id ${ID} PRIMARY KEY,
    org_id ${ID} NOT NULL,
    livemode boolean NOT NULL,
    type text NOT NULL,
    body text NOT NULL,
    data_start int NOT NULL,
    request_id text NOT NULL,
    occurred_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    producer_id text,
    content_hash bytea,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
  )`,
  `CREATE UNIQUE INDEX events_producer ON events (org_id, livemode, producer_id) WHERE producer_id IS NOT NULL`,
  `CREATE INDEX events_position ON events (org_id, xid, id)`,
  `CREATE INDEX events_request ON events (request_id)`,
  `CREATE TABLE webhook_endpoints (
    id ${ID} PRIMARY KEY,
    org_id ${ID} NOT NULL REFERENCES organizations (id),
    livemode boolean NOT NULL,
    destination_url text NOT NULL,
    description text,
    subscribed_event_types text[] NOT NULL DEFAULT '{}',
    status text NOT NULL CHECK (status IN ('active', 'disabled')),
    secret_sealed text NOT NULL,
    previous_secret_sealed text,
    previous_secret_until timestamptz,
    failing_since timestamptz,
    last_delivered_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz
  ) WITH (fillfactor = 50)`,
  `CREATE INDEX webhook_endpoints_org ON webhook_endpoints (org_id, id)`,
  `CREATE TABLE webhook_deliveries (
    id ${ID} PRIMARY KEY,
    org_id ${ID} NOT NULL,
    livemode boolean NOT NULL,
    endpoint_id ${ID} NOT NULL,
    event_id ${ID} NOT NULL,
    event_type text NOT NULL,
    request_id text NOT NULL,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered', 'failed', 'cancelled')),
    step int NOT NULL DEFAULT 0,
    attempts int NOT NULL DEFAULT 0,
    schedule int[] NOT NULL,
    next_at timestamptz,
    window_ends_at timestamptz NOT NULL,
    has_workflow boolean NOT NULL DEFAULT false,
    claim_id ${ID},
    claim_replay_id ${ID},
    claimed_at timestamptz,
    claimed_until timestamptz,
    created_at timestamptz NOT NULL,
    finished_at timestamptz
  ) WITH (fillfactor = 70)`,
  `CREATE INDEX webhook_deliveries_fresh ON webhook_deliveries (endpoint_id, next_at)
    WHERE status = 'pending' AND NOT has_workflow`,
  `CREATE INDEX webhook_deliveries_owned ON webhook_deliveries (next_at) WHERE status = 'pending' AND has_workflow`,
  `CREATE INDEX webhook_deliveries_org ON webhook_deliveries (org_id, id)`,
  `CREATE INDEX webhook_deliveries_event ON webhook_deliveries (event_id)`,
  `CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (endpoint_id, id) WHERE status IN ('pending', 'failed')`,
  `CREATE TABLE webhook_attempts (
    id ${ID} PRIMARY KEY,
    delivery_id ${ID} NOT NULL,
    org_id ${ID} NOT NULL,
    livemode boolean NOT NULL,
    endpoint_id ${ID} NOT NULL,
    event_id ${ID} NOT NULL,
    event_type text NOT NULL,
    request_id text NOT NULL,
    attempt int NOT NULL,
    trigger text NOT NULL CHECK (trigger IN ('schedule', 'replay')),
    replay_id ${ID},
    replayed_from ${ID},
    destination_url text NOT NULL,
    http_status int,
    ok boolean NOT NULL,
    error text,
    latency_ms int,
    response_body text,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
  )`,
  `CREATE INDEX webhook_attempts_delivery ON webhook_attempts (delivery_id, attempt)`,
  `CREATE INDEX webhook_attempts_endpoint ON webhook_attempts (endpoint_id, id)`,
  `CREATE TABLE webhook_replays (
    id ${ID} PRIMARY KEY,
    org_id ${ID} NOT NULL,
    delivery_id ${ID} NOT NULL,
    replayed_from ${ID},
    status text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'done', 'refused')),
    attempt_id ${ID},
    requested_at timestamptz NOT NULL
  )`,
  `CREATE INDEX webhook_replays_waiting ON webhook_replays (delivery_id) WHERE status = 'waiting'`,
  `CREATE TABLE stream_subscriptions (
    id ${ID} PRIMARY KEY,
    org_id ${ID} NOT NULL REFERENCES organizations (id),
    livemode boolean NOT NULL,
    description text,
    event_types text[] NOT NULL DEFAULT '{}',
    transport text NOT NULL CHECK (transport IN ('poll', 'webhook_mirror', 'websocket')),
    status text NOT NULL CHECK (status IN ('active', 'paused')),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
  )`,
  `CREATE INDEX stream_subscriptions_org ON stream_subscriptions (org_id, id)`,
  `CREATE TABLE stream_events (
    id ${ID} PRIMARY KEY,
    org_id ${ID} NOT NULL,
    stream_id ${ID} NOT NULL,
    event_id ${ID} NOT NULL,
    event_type text NOT NULL,
    request_id text NOT NULL,
    recorded_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
  )`,
  `CREATE INDEX stream_events_position ON stream_events (stream_id, xid, id)`,
  `CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    ref ${ID} NOT NULL,
    payload jsonb NOT NULL DEFAULT '{}',
    due_at timestamptz NOT NULL,
    not_before timestamptz NOT NULL DEFAULT '-infinity',
    attempts int NOT NULL DEFAULT 0,
    last_error text,
    leased_until timestamptz NOT NULL DEFAULT '-infinity',
    created_at timestamptz NOT NULL
  )`,
  `CREATE INDEX outbox_due ON outbox ((kind = 'start_delivery'), due_at, id)`,
  `CREATE INDEX outbox_ref ON outbox (ref, id)`,
  `CREATE TABLE idempotency_keys (
    org_id ${ID} NOT NULL,
    livemode boolean NOT NULL,
    route text NOT NULL,
    key text NOT NULL,
    claim_id ${ID} NOT NULL,
    request_hash bytea NOT NULL,
    reply_status int,
    reply_sealed text,
    locked_until timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, livemode, route, key)
  )`,
  `CREATE TABLE audit_heads (
    org_id ${ID} PRIMARY KEY,
    seq bigint NOT NULL,
    hash text NOT NULL
  )`,
  `CREATE TABLE audit_records (
    org_id ${ID} NOT NULL,
    seq bigint NOT NULL,
    id ${ID} NOT NULL UNIQUE,
    recorded_at timestamptz NOT NULL,
    action text NOT NULL,
    actor_type text NOT NULL CHECK (actor_type IN ('api_key', 'user', 'operator', 'system', 'stripe')),
    actor_id text,
    target_type text NOT NULL,
    target_id text NOT NULL,
    before text,
    after text,
    request_id text,
    ip text,
    prev_hash text NOT NULL,
    hash text NOT NULL,
    PRIMARY KEY (org_id, seq)
  )`,
  `CREATE TABLE worker_heartbeats (
    worker_id text PRIMARY KEY,
    temporal text NOT NULL CHECK (temporal IN ('up', 'away')),
    seen_at timestamptz NOT NULL
  )`,
];

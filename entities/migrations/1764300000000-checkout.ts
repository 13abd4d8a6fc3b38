import { MigrationOfStatements } from '../migration-of-statements';

/** Checkouts, subscriptions and customers as Stripe has them, and the events that it told. */
export class Checkout1764300000000 extends MigrationOfStatements {
  constructor() {
    super(UP, DOWN);
  }
}

const ID = 'text COLLATE "C"';

const UP = [
  'CREATE SEQUENCE stripe_fetches',
  `CREATE TABLE billing_customers (
    org_id ${ID} PRIMARY KEY REFERENCES organizations (id),
    stripe_customer_id text NOT NULL UNIQUE,
    email text,
    name text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
  )`,
  `CREATE TABLE billing_subscriptions (
    id text PRIMARY KEY,
    org_id ${ID} NOT NULL REFERENCES organizations (id),
    stripe_customer_id text NOT NULL,
    plan_key text NOT NULL,
    stripe_product_id text,
    stripe_price_id text,
    status text NOT NULL,
    seats int NOT NULL,
    current_period_start timestamptz,
    current_period_end timestamptz,
    cancel_at_period_end boolean NOT NULL,
    past_due_since timestamptz,
    fetch_seq bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
  )`,
  'CREATE INDEX billing_subscriptions_org ON billing_subscriptions (org_id, created_at)',
  `CREATE INDEX billing_subscriptions_due ON billing_subscriptions (past_due_since) WHERE past_due_since IS NOT NULL`,
  `CREATE TABLE checkouts (
    id ${ID} PRIMARY KEY,
    org_id ${ID} NOT NULL REFERENCES organizations (id),
    mode text NOT NULL CHECK (mode IN ('subscription', 'setup')),
    plan_key text NOT NULL,
    bill_interval text CHECK (bill_interval IN ('month', 'year')),
    seats int NOT NULL,
    success_url text NOT NULL,
    cancel_url text NOT NULL,
    status text NOT NULL CHECK (status IN ('open', 'completed', 'expired', 'failed')),
    stripe_session_id text UNIQUE,
    url text,
    requested_by ${ID} NOT NULL,
    request_id text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    finished_at timestamptz
  )`,
  `CREATE UNIQUE INDEX checkouts_open ON checkouts (org_id) WHERE status = 'open'`,
  `CREATE TABLE stripe_events (
    id text PRIMARY KEY,
    type text NOT NULL,
    object_type text NOT NULL,
    object_id text NOT NULL,
    created_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    via text NOT NULL CHECK (via IN ('webhook', 'sweep')),
    outcome text,
    applied_at timestamptz,
    attempts int NOT NULL DEFAULT 0,
    leased_until timestamptz NOT NULL DEFAULT '-infinity'
  )`,
  `CREATE INDEX stripe_events_waiting ON stripe_events (received_at) WHERE applied_at IS NULL`,
  `CREATE TABLE stripe_marks (name text PRIMARY KEY, at timestamptz NOT NULL)`,
];

const DOWN = [
  'DROP TABLE stripe_marks, stripe_events, checkouts, billing_subscriptions, billing_customers',
  'DROP SEQUENCE stripe_fetches',
];

import { MigrationOfStatements } from '../migration-of-statements';

/** What reconciliation knows beside subscriptions: customers by Stripe's mode, refunds and disputes. */
export class Reconciliation1764600000000 extends MigrationOfStatements {
  constructor() {
    super(UP, DOWN);
  }
}

const ID = 'text COLLATE "C"';

const UP = [
  `ALTER TABLE billing_customers ADD COLUMN stripe_livemode boolean NOT NULL DEFAULT false,
     ADD COLUMN fetch_seq bigint NOT NULL DEFAULT 0`,
  `CREATE TABLE billing_reversals (
    id text PRIMARY KEY,
    org_id ${ID} NOT NULL REFERENCES organizations (id),
    kind text NOT NULL CHECK (kind IN ('refund', 'dispute')),
    stripe_charge_id text NOT NULL,
    amount bigint NOT NULL,
    currency text NOT NULL,
    status text NOT NULL,
    reason text,
    fetch_seq bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
  )`,
  'CREATE INDEX billing_reversals_org ON billing_reversals (org_id, created_at)',
];

const DOWN = [
  'DROP TABLE billing_reversals',
  'ALTER TABLE billing_customers DROP COLUMN stripe_livemode, DROP COLUMN fetch_seq',
];

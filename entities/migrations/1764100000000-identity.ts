import type { MigrationInterface, QueryRunner } from 'typeorm';

/** People, seats and invitations; bootstrap tokens; mails on their way; the windows of rate limits. */
export class Identity1764100000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of UP) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of [...TABLES].reverse()) await queryRunner.query(`DROP TABLE ${table}`);
  }
}

const TABLES = ['users', 'members', 'invitations', 'bootstrap_tokens', 'mails', 'rate_windows'];
const ID = 'text COLLATE "C"';

const UP = [
  `CREATE TABLE users (
    id ${ID} PRIMARY KEY,
    email text NOT NULL,
    address text NOT NULL UNIQUE,
    name text,
    issuer text,
    subject text,
    created_at timestamptz NOT NULL
  )`,
  `CREATE UNIQUE INDEX users_subject ON users (issuer, subject) WHERE subject IS NOT NULL`,
  `CREATE TABLE members (
    org_id ${ID} NOT NULL REFERENCES organizations (id),
    user_id ${ID} NOT NULL REFERENCES users (id),
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, user_id)
  )`,
  `CREATE INDEX members_user ON members (user_id, created_at)`,
  `CREATE TABLE invitations (
    id ${ID} PRIMARY KEY,
    org_id ${ID} NOT NULL REFERENCES organizations (id),
    email text NOT NULL,
    address text NOT NULL,
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
    status text NOT NULL CHECK (status IN ('pending', 'accepted', 'revoked')),
    token_hash bytea NOT NULL,
    invited_by ${ID},
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    resolved_at timestamptz
  )`,
  `CREATE INDEX invitations_org ON invitations (org_id, id)`,
  `CREATE UNIQUE INDEX invitations_pending ON invitations (org_id, address) WHERE status = 'pending'`,
  `CREATE UNIQUE INDEX invitations_token ON invitations (token_hash)`,
  `CREATE TABLE bootstrap_tokens (
    id ${ID} PRIMARY KEY,
    org_id ${ID} NOT NULL REFERENCES organizations (id),
    actor_principal_id ${ID} NOT NULL,
    label text,
    token_prefix text NOT NULL,
    hash bytea NOT NULL UNIQUE,
    scopes text[] NOT NULL,
    livemode boolean NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    used_by_principal_id ${ID},
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
  )`,
  `CREATE INDEX bootstrap_tokens_actor ON bootstrap_tokens (org_id, actor_principal_id) WHERE used_at IS NULL`,
  `CREATE TABLE mails (
    id ${ID} PRIMARY KEY,
    org_id ${ID} NOT NULL,
    recipients text[] NOT NULL,
    subject text NOT NULL,
    body_sealed text,
    created_at timestamptz NOT NULL,
    sent_at timestamptz
  )`,
  `CREATE UNLOGGED TABLE rate_windows (
    subject text PRIMARY KEY,
    window_starts_at timestamptz NOT NULL,
    used bigint NOT NULL
  ) WITH (fillfactor = 50)`,
  `CREATE INDEX api_keys_creator ON api_keys (created_by) WHERE created_by IS NOT NULL`,
];

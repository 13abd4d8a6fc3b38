import { countStreamRecords, STREAM_MARK } from './fold-stream-records';

/**
 * How long a table's rows are kept: what RETENTION_DAYS says (counts of such rows until all of these are gone), 13
 * whole months of usage, or what the rows themselves need.
 */
export type Keeping = 'records' | 'rollups' | 'usage' | 'a_day' | 'a_month';

/** A table whose rows go when they are old. */
export interface Retention {
  readonly table: string;
  readonly keeps: Keeping;
  /** Which rows `t` may go, in SQL: $1 is now, $2 the moment before which rows are old, $3 the same as ids begin. */
  readonly condition: string;
  /** What else dropping rows changes: a statement over the rows `gone`. */
  readonly also?: string;
}

/** By id, so that the oldest are found without an index of their own (ids sort by time), and by the row's own time. */
const old = (row: string, prefix: string, time = 'created_at'): string =>
  `${row}.id < '${prefix}_' || $3::text AND ${row}.${time} < $2`;

/** A delivery that nobody needs any more: ended, its window over, and nothing of it recent, waiting or under way. */
const deliveryIsOver = (d: string): string => `${old(d, 'wd')}
  AND ${d}.status <> 'pending' AND ${d}.window_ends_at < $1
  AND (${d}.claimed_until IS NULL OR ${d}.claimed_until < $1)
  AND NOT EXISTS (SELECT FROM webhook_replays r WHERE r.delivery_id = ${d}.id AND r.status IN ('queued', 'waiting'))
  AND NOT EXISTS (SELECT FROM webhook_attempts a WHERE a.delivery_id = ${d}.id AND a.created_at >= $2)
  AND NOT EXISTS (SELECT FROM outbox o WHERE o.ref = ${d}.id)`;

/** No delivery that stays needs the row; `of` joins a delivery `d` to it. */
const noDeliveryNeeds = (of: string): string =>
  `NOT EXISTS (SELECT FROM webhook_deliveries d WHERE ${of} AND NOT (${deliveryIsOver('d')}))`;

const OLD_MONTH = `t.period < to_char($2::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM')`;

/**
 * What is dropped when it is old, in the order in which it is dropped: what refers to a row goes no later than the row.
 * A month's totals go before the charges they are made of, so that nobody compares them with half of these.
 */
export const RETENTION: readonly Retention[] = [
  { table: 'webhook_deliveries', keeps: 'records', condition: deliveryIsOver('t') },
  {
    table: 'webhook_attempts',
    keeps: 'records',
    condition: `${old('t', 'wdel')} AND ${noDeliveryNeeds('d.id = t.delivery_id')}`,
  },
  {
    table: 'webhook_replays',
    keeps: 'records',
    condition: `${old('t', 'rpl', 'requested_at')} AND t.status NOT IN ('queued', 'waiting')
      AND ${noDeliveryNeeds('d.id = t.delivery_id')}`,
  },
  {
    table: 'webhook_recoveries',
    keeps: 'records',
    condition: `${old('t', 'rec')} AND t.status IN ('done', 'cancelled')
      AND NOT EXISTS (SELECT FROM webhook_replays r WHERE r.recovery_id = t.id)`,
  },
  {
    // A stream's last record stays: a reader's cursor may stand on it. What isn't counted yet could not be taken off.
    table: 'stream_events',
    keeps: 'records',
    condition: `${old('t', 'sevt', 'recorded_at')} AND EXISTS (SELECT FROM stream_events n
      WHERE n.stream_id = t.stream_id AND (n.xid, n.id) > (t.xid, t.id))
      AND t.xid < ${STREAM_MARK}`,
    also: countStreamRecords('-', 'gone t'),
  },
  {
    table: 'events',
    keeps: 'records',
    condition: `${old('t', 'evt')} AND ${noDeliveryNeeds('d.event_id = t.id')}`,
  },
  { table: 'attempt_rollups', keeps: 'rollups', condition: 't.starts_at < $2' },
  { table: 'delivery_rollups', keeps: 'rollups', condition: 't.starts_at < $2' },
  { table: 'stream_rollups', keeps: 'rollups', condition: 't.starts_at < $2 AND t.count = 0' },
  { table: 'request_records', keeps: 'records', condition: 't.recorded_at < $2' },
  {
    table: 'stripe_events',
    keeps: 'records',
    condition: 't.applied_at IS NOT NULL AND t.applied_at < $2',
  },
  {
    table: 'invitations',
    keeps: 'records',
    condition: `${old('t', 'inv')} AND CASE WHEN t.status = 'pending' THEN t.expires_at ELSE t.resolved_at END < $2`,
  },
  {
    table: 'bootstrap_tokens',
    keeps: 'records',
    condition: `${old('t', 'abt')} AND coalesce(t.used_at, t.expires_at) < $2`,
  },
  {
    table: 'stream_tickets',
    keeps: 'a_day',
    condition: `${old('t', 'tkt', 'issued_at')} AND (t.open_until IS NULL OR t.open_until < $1)`,
  },
  {
    // A mail's workflow tries for 72 hours; what it could not send in a month nobody waits for.
    table: 'mails',
    keeps: 'a_month',
    condition: `${old('t', 'mail')} AND NOT EXISTS (SELECT FROM outbox o WHERE o.ref = t.id)`,
  },
  {
    table: 'idempotency_keys',
    keeps: 'a_day',
    condition: 't.created_at < $2 AND t.locked_until < $1',
  },
  { table: 'rate_windows', keeps: 'a_day', condition: 't.window_starts_at < $2' },
  {
    table: 'budget_periods',
    keeps: 'usage',
    condition: `${OLD_MONTH} AND t.held_micros = 0 AND t.grant_held = 0`,
  },
  {
    table: 'charges',
    keeps: 'usage',
    condition: `${old('t', 'chg')} AND ${OLD_MONTH} AND t.status <> 'reserved'`,
  },
  { table: 'usage_events', keeps: 'usage', condition: OLD_MONTH },
  { table: 'usage_meters', keeps: 'usage', condition: OLD_MONTH },
  {
    table: 'budget_approvals',
    keeps: 'usage',
    condition: `${old('t', 'bap')} AND ${OLD_MONTH} AND t.status <> 'pending'`,
  },
  {
    table: 'checkouts',
    keeps: 'usage',
    condition: `${old('t', 'chk')} AND t.status <> 'open' AND t.finished_at < $2`,
  },
];

/** Tables that nothing is dropped from, and why. */
export const KEPT: Readonly<Record<string, string>> = {
  audit_heads: 'the chain has no end',
  audit_records: 'the chain has no gaps: audit is for ever',
  organizations: 'a customer',
  api_keys: 'audit records and charges name them, revoked ones too',
  users: 'a person',
  members: 'until removed',
  webhook_endpoints: 'deliveries and audit records name them, deleted ones too',
  endpoint_paces: 'one row an endpoint with a limit',
  artifacts: 'a durable export; what it holds is in its file',
  stream_subscriptions: 'the event log names them, deleted ones too',
  billing_customers: 'who pays',
  billing_subscriptions: 'what was bought',
  billing_reversals: 'refunds and disputes: what went back',
  stripe_marks: 'one row a mark',
  rollup_marks: 'one row a mark',
  outbox: 'a command goes when it was carried out',
  delivered_counts: 'a count goes when it was folded into its month',
  worker_heartbeats: 'the next heartbeat removes what is an hour old',
  migrations: 'what was migrated',
};

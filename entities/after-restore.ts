import type { DataSource, EntityManager } from 'typeorm';
import { foldForeignAttempts } from './fold-attempts';
import { foldForeignStreamRecords } from './fold-stream-records';
import type { Command } from './outbox';

/** Work whose workflow may be lost: the command that starts it, and the rows that wait for it. */
interface Waiting {
  readonly kind: Extract<Command['kind'], `start_${string}` | 'send_mail'>;
  readonly table: string;
  /** Which rows `t` wait, and what their command carries, in SQL. */
  readonly condition: string;
  readonly payload: string;
  readonly dueAt: string;
}

const summary = (text: string): string =>
  `jsonb_build_object('orgId', t.org_id, 'summary', ${text})`;

const WAITING: readonly Waiting[] = [
  {
    kind: 'start_delivery',
    table: 'webhook_deliveries',
    condition: `t.status = 'pending' AND t.has_workflow`,
    payload: `jsonb_build_object('orgId', t.org_id, 'endpointId', t.endpoint_id, 'eventType', t.event_type)`,
    dueAt: 'coalesce(t.next_at, $1)',
  },
  {
    kind: 'start_approval',
    table: 'budget_approvals',
    condition: `t.status = 'pending'`,
    payload: summary(`'spend of ' || t.period`),
    dueAt: '$1',
  },
  {
    kind: 'start_checkout',
    table: 'checkouts',
    condition: `t.status = 'open'`,
    payload: summary(`t.plan_key`),
    dueAt: '$1',
  },
  {
    kind: 'send_mail',
    table: 'mails',
    condition: `t.sent_at IS NULL AND t.body_sealed IS NOT NULL`,
    payload: `jsonb_build_object('orgId', t.org_id, 'subject', t.subject)`,
    dueAt: '$1',
  },
];

/** Tables that are read in the order of commits. */
const ORDERED = ['webhook_attempts', 'events', 'stream_events', 'charges', 'usage_events'];

/** What an artifact takes in ends here at the latest: else its build would wait for this server to come as far as the old one. */
const BOUND_ARTIFACTS = `UPDATE artifacts SET below_xid = pg_snapshot_xmax(pg_current_snapshot())
  WHERE below_xid > pg_snapshot_xmax(pg_current_snapshot()) RETURNING 1`;

/** What was done after a restore: rows by what happened to them. */
export type Restored = Readonly<Record<string, number>>;

/**
 * Puts a restored database in order. Asks anew for the workflows of all that waits (one that runs takes no harm), and
 * where the rows came from a dump, whose transaction ids mean nothing on this server, gives them the oldest one: they
 * then stand before everything new, by id, counted like it. One transaction; safe to repeat.
 */
export function settleRestored(db: DataSource, now: Date): Promise<Restored> {
  return db.transaction(async (tx) => {
    await tx.query('SET LOCAL statement_timeout = 0');
    const done: Record<string, number> = {};
    await foldForeignAttempts(tx);
    await foldForeignStreamRecords(tx);
    for (const table of ORDERED) {
      done[`${table} put in order`] = await count(
        tx,
        `UPDATE ${table} SET xid = '3' WHERE xid >= pg_snapshot_xmax(pg_current_snapshot()) RETURNING 1`,
        [],
      );
    }
    done['artifacts put in order'] = await count(tx, BOUND_ARTIFACTS, []);
    for (const { kind, table, condition, payload, dueAt } of WAITING) {
      done[`${table} asked for anew`] = await count(
        tx,
        `INSERT INTO outbox (kind, ref, payload, due_at, created_at)
         SELECT '${kind}', t.id, ${payload}, ${dueAt}, $1 FROM ${table} t
         WHERE ${condition} AND NOT EXISTS (SELECT FROM outbox o WHERE o.ref = t.id AND o.kind = '${kind}')
         RETURNING 1`,
        [now],
      );
    }
    return done;
  });
}

async function count(tx: EntityManager, text: string, values: readonly unknown[]): Promise<number> {
  const [row]: { n: number }[] = await tx.query(
    `WITH done AS (${text}) SELECT count(*)::int AS n FROM done`,
    [...values],
  );
  return row?.n ?? 0;
}

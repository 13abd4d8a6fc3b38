import { run, statement, type Executor } from './sql';

/** What waits in the database, and for how long: over all organizations, at one moment. Ages in seconds, 0 where nothing waits. */
export interface WorkFigures {
  readonly outbox: {
    readonly depth: number;
    /** Of the oldest command that is due and not put off; delivery starts are paced and don't count. */
    readonly ageSeconds: number;
    readonly lastError: string | null;
  };
  readonly deliveries: {
    readonly pending: number;
    /** Should have been tried minutes ago: endpoint active, organization not suspended, no claim. */
    readonly stuck: number;
    readonly oldestStuck: string | null;
  };
  /** Their time is over, and they are still open. */
  readonly approvals: { readonly pending: number; readonly stuck: number };
  readonly checkouts: { readonly open: number; readonly stuck: number };
  /** Asked for over an hour ago and not sent. */
  readonly unsentMails: number;
  readonly stripeInbox: {
    readonly depth: number;
    readonly ageSeconds: number;
    readonly lastOutcome: string | null;
  };
  readonly workers: { readonly alive: number; readonly withTemporal: number };
}

interface Row {
  readonly outbox_depth: number;
  readonly outbox_age: number;
  readonly outbox_error: string | null;
  readonly pending: number;
  readonly stuck: number;
  readonly oldest_stuck: string | null;
  readonly approvals: number;
  readonly stuck_approvals: number;
  readonly checkouts: number;
  readonly stuck_checkouts: number;
  readonly unsent_mails: number;
  readonly inbox_depth: number;
  readonly inbox_age: number;
  readonly inbox_outcome: string | null;
  readonly workers: number;
  readonly with_temporal: number;
}

const age = (since: string): string =>
  `coalesce(greatest(extract(epoch FROM $1::timestamptz - min(${since})), 0), 0)::float8`;

const read = statement<Row>(
  'work-figures',
  `SELECT o.*, d.*, a.*, c.*, m.*, s.*, w.*
   FROM (SELECT count(*)::int AS outbox_depth,
       ${age(`due_at) FILTER (WHERE kind <> 'start_delivery'`)} AS outbox_age,
       (SELECT last_error FROM outbox WHERE last_error IS NOT NULL ORDER BY id LIMIT 1) AS outbox_error
     FROM outbox) o,
   (SELECT count(*)::int AS pending FROM webhook_deliveries WHERE status = 'pending') d0,
   LATERAL (SELECT d0.pending, count(*)::int AS stuck, min(late.id) AS oldest_stuck FROM (
     SELECT d.id FROM webhook_deliveries d
     JOIN webhook_endpoints p ON p.id = d.endpoint_id AND p.status = 'active' AND p.deleted_at IS NULL
     JOIN organizations g ON g.id = d.org_id AND g.suspended_at IS NULL
     WHERE d.status = 'pending' AND d.next_at < $1::timestamptz - interval '5 minutes'
       AND (d.claimed_until IS NULL OR d.claimed_until < $1) LIMIT 1000) late) d,
   (SELECT count(*)::int AS approvals,
     count(*) FILTER (WHERE expires_at < $1::timestamptz - interval '10 minutes')::int AS stuck_approvals
     FROM budget_approvals WHERE status = 'pending') a,
   (SELECT count(*)::int AS checkouts,
     count(*) FILTER (WHERE expires_at < $1::timestamptz - interval '2 hours')::int AS stuck_checkouts
     FROM checkouts WHERE status = 'open') c,
   (SELECT count(*)::int AS unsent_mails FROM mails
     WHERE sent_at IS NULL AND created_at < $1::timestamptz - interval '1 hour') m,
   (SELECT count(*)::int AS inbox_depth, ${age('received_at')} AS inbox_age,
     (SELECT outcome FROM stripe_events WHERE applied_at IS NULL AND outcome IS NOT NULL LIMIT 1) AS inbox_outcome
     FROM stripe_events WHERE applied_at IS NULL) s,
   (SELECT count(*)::int AS workers, count(*) FILTER (WHERE temporal = 'up')::int AS with_temporal
     FROM worker_heartbeats WHERE seen_at > $1::timestamptz - interval '15 s') w`,
);

/** One statement over what is waiting; cheap as long as little waits. */
export async function readWorkFigures(db: Executor, now: Date): Promise<WorkFigures> {
  const [row] = await run(db, read, [now]);
  if (!row) throw new Error('the figures are missing');
  return {
    outbox: { depth: row.outbox_depth, ageSeconds: row.outbox_age, lastError: row.outbox_error },
    deliveries: { pending: row.pending, stuck: row.stuck, oldestStuck: row.oldest_stuck },
    approvals: { pending: row.approvals, stuck: row.stuck_approvals },
    checkouts: { open: row.checkouts, stuck: row.stuck_checkouts },
    unsentMails: row.unsent_mails,
    stripeInbox: {
      depth: row.inbox_depth,
      ageSeconds: row.inbox_age,
      lastOutcome: row.inbox_outcome,
    },
    workers: { alive: row.workers, withTemporal: row.with_temporal },
  };
}

import { run, statement, type Executor } from './sql';
import type { RecoveryStatus } from './webhook-recovery';

/** A recovery as its workflow sees it. Plain JSON; times in ms since 1970. */
export interface RecoveryView {
  readonly status: RecoveryStatus;
  readonly total: number;
  readonly replayed: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Replays a second now, and at most. */
  readonly rate: number;
  readonly perSecond: number;
  /** When the next page may begin. */
  readonly nextAt: number;
  /** Whether the organization is suspended, so that nothing is sent. */
  readonly suspended: boolean;
}

const select = statement<Omit<RecoveryView, 'nextAt'> & { next_at: Date }>(
  'recovery-view',
  `SELECT v.status, v.total, v.replayed, v.succeeded, v.failed, v.rate, v.per_second AS "perSecond", v.next_at,
     o.suspended_at IS NOT NULL AS suspended
   FROM webhook_recoveries v JOIN organizations o ON o.id = v.org_id WHERE v.id = $1`,
);

/** The recovery as it stands, or null where retention has dropped it. */
export async function viewRecovery(db: Executor, recoveryId: string): Promise<RecoveryView | null> {
  const [row] = await run(db, select, [recoveryId]);
  if (!row) return null;
  const { next_at: nextAt, ...view } = row;
  return { ...view, nextAt: nextAt.getTime() };
}

const rescue = statement(
  'rescue-recoveries',
  `INSERT INTO outbox (kind, ref, payload, due_at, created_at)
   SELECT 'recover_endpoint', id, jsonb_build_object('orgId', org_id, 'endpointId', endpoint_id), $1, $1
   FROM webhook_recoveries v
   WHERE status = 'running' AND next_at < $2 AND NOT EXISTS (SELECT FROM outbox o WHERE o.ref = v.id)
   RETURNING ref`,
);

/** How long past its time a page may be before its recovery counts as forgotten (ms). */
const FORGOTTEN_AFTER_MS = 120_000;

/** Asks anew for the workflows of recoveries that should long have gone on. One that runs takes no harm. */
export async function rescueRecoveries(db: Executor, now: Date): Promise<number> {
  const rows = await run(db, rescue, [now, new Date(now.getTime() - FORGOTTEN_AFTER_MS)]);
  return rows.length;
}

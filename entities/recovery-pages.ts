import {
  CLAIM_SECONDS,
  CLAIMED_COLUMNS,
  ENDPOINT_COLUMNS,
  GIVEN_UP,
  LAPSED,
  NEW_CLAIM_ID,
  type ClaimedAttempt,
} from './claim-attempt';
import { holdMs, nextRate, type PageOutcome } from './recovery-pace';
import { run, statement, type Executor } from './sql';

/** A second's worth of replays, reserved on the recovery's row: nobody else begins one before it is over. */
export interface RecoveryPage {
  readonly recoveryId: string;
  readonly endpointId: string;
  /** Replays to make at most. */
  readonly size: number;
  /** Replays a second. */
  readonly rate: number;
  readonly perSecond: number;
  /** Whether the endpoint takes only so many attempts a second. */
  readonly paced: boolean;
}

const openNext = statement<Omit<RecoveryPage, 'recoveryId'>>(
  'open-recovery-page',
  `UPDATE webhook_recoveries SET next_at = $2::timestamptz + make_interval(secs => floor(rate) / rate)
   WHERE id = $1 AND status = 'running' AND next_at <= $2
   RETURNING endpoint_id AS "endpointId", floor(rate)::int AS size, rate, per_second AS "perSecond",
     EXISTS (SELECT FROM endpoint_paces e WHERE e.endpoint_id = webhook_recoveries.endpoint_id) AS paced`,
);

/** Reserves the next page. Null where the recovery doesn't run, or where its time has not come. */
export async function openPage(
  db: Executor,
  recoveryId: string,
  now: Date,
): Promise<RecoveryPage | null> {
  const [page] = await run(db, openNext, [recoveryId, now]);
  return page ? { recoveryId, ...page } : null;
}

const close = statement(
  'close-recovery-page',
  `UPDATE webhook_recoveries SET rate = $2, next_at = greatest(next_at, $3) WHERE id = $1`,
);

/** Sets the pace of the next page by what came of this one. */
export async function closePage(
  db: Executor,
  page: RecoveryPage,
  outcome: PageOutcome,
  now: Date,
): Promise<void> {
  const rate = nextRate(page.rate, page.perSecond, outcome);
  const resumeAt = new Date(now.getTime() + holdMs(outcome));
  await run(db, close, [page.recoveryId, rate, resumeAt]);
}

/** Deliveries that somebody else attempts at the moment are passed over, so many at most; they come later. */
const PASSED_OVER = 20;

const claim = statement<ClaimedAttempt>(
  'claim-recovery',
  `WITH recovery AS (
     SELECT id, endpoint_id FROM webhook_recoveries WHERE id = $2 AND status = 'running' FOR UPDATE),
   queue AS (
     SELECT r.id, r.delivery_id FROM webhook_replays r
     WHERE r.recovery_id = (SELECT id FROM recovery) AND r.status = 'queued'
     ORDER BY r.delivery_id LIMIT $3 + ${PASSED_OVER}
     FOR UPDATE),
   picked AS (
     SELECT d.*, queue.id AS next_replay_id, ${ENDPOINT_COLUMNS}
     FROM queue
     JOIN webhook_deliveries d ON d.id = queue.delivery_id
     JOIN events e ON e.id = d.event_id
     JOIN webhook_endpoints p ON p.id = d.endpoint_id AND p.status = 'active' AND p.deleted_at IS NULL
     JOIN organizations o ON o.id = p.org_id AND o.suspended_at IS NULL
     WHERE d.claimed_until IS NULL OR d.claimed_until <= $1
     ORDER BY d.id LIMIT $3
     FOR UPDATE OF d SKIP LOCKED),
   lapsed AS (${LAPSED}),
   ${GIVEN_UP},
   asked AS (
     UPDATE webhook_replays r SET status = 'waiting', replayed_from = (SELECT a.id FROM webhook_attempts a
       WHERE a.delivery_id = r.delivery_id ORDER BY a.attempt DESC LIMIT 1)
     FROM picked WHERE r.id = picked.next_replay_id RETURNING r.recovery_id),
   counted AS (
     UPDATE webhook_recoveries v SET replayed = v.replayed + n.count, updated_at = $1
     FROM (SELECT recovery_id, count(*)::int AS count FROM asked GROUP BY recovery_id) n
     WHERE v.id = n.recovery_id)
   UPDATE webhook_deliveries d
   SET claim_id = ${NEW_CLAIM_ID}, claim_replay_id = picked.next_replay_id, claimed_at = $1,
     claimed_until = $1::timestamptz + interval '${CLAIM_SECONDS} s', attempts = d.attempts + 1
   FROM picked, events e
   WHERE d.id = picked.id AND e.id = d.event_id
   RETURNING ${CLAIMED_COLUMNS}`,
);

/**
 * Claims a recovery's next replays, oldest delivery first, and counts them, in one statement: each is claimed once,
 * ever. None where the recovery doesn't run, the endpoint takes nothing, or nothing is left that isn't being
 * attempted by somebody else.
 */
export function claimRecoveryReplays(
  db: Executor,
  recoveryId: string,
  limit: number,
  now: Date,
): Promise<ClaimedAttempt[]> {
  return run(db, claim, [now, recoveryId, limit]);
}

const settle = statement(
  'settle-recovery',
  `WITH picked AS (
     SELECT d.*, p.destination_url
     FROM webhook_replays r
     JOIN webhook_deliveries d ON d.id = r.delivery_id AND d.claim_replay_id = r.id AND d.claimed_until <= $2
     JOIN webhook_endpoints p ON p.id = d.endpoint_id
     WHERE r.recovery_id = $1 AND r.status = 'waiting'
     FOR UPDATE OF d SKIP LOCKED),
   lapsed AS (${LAPSED}),
   ${GIVEN_UP}
   UPDATE webhook_deliveries d
   SET claim_id = NULL, claim_replay_id = NULL, claimed_at = NULL, claimed_until = NULL
   FROM picked WHERE d.id = picked.id`,
);

/** Gone ones are found where the queue is next: among more than a page and what is passed over. */
const LOOKED_AT = 500;

const settleGone = statement(
  'settle-gone-replays',
  `WITH recovery AS (SELECT id FROM webhook_recoveries WHERE id = $1 FOR UPDATE),
   looked_at AS (
     (SELECT r.id, r.delivery_id, r.status FROM webhook_replays r
      WHERE r.recovery_id = (SELECT id FROM recovery) AND r.status = 'queued'
      ORDER BY r.delivery_id LIMIT ${LOOKED_AT})
     UNION ALL
     SELECT r.id, r.delivery_id, r.status FROM webhook_replays r
     WHERE r.recovery_id = (SELECT id FROM recovery) AND r.status = 'waiting'
       AND NOT EXISTS (SELECT FROM webhook_deliveries d WHERE d.id = r.delivery_id AND d.claim_replay_id = r.id)),
   gone AS (
     UPDATE webhook_replays r SET status = 'refused' FROM looked_at l
     WHERE r.id = l.id AND r.status = l.status AND NOT EXISTS (SELECT FROM webhook_deliveries d
       JOIN events e ON e.id = d.event_id WHERE d.id = l.delivery_id)
     RETURNING l.status)
   UPDATE webhook_recoveries v
   SET replayed = v.replayed + n.queued, failed = v.failed + n.count, updated_at = $2
   FROM (SELECT count(*)::int AS count, (count(*) FILTER (WHERE status = 'queued'))::int AS queued FROM gone) n
   WHERE v.id = $1 AND n.count > 0`,
);

/**
 * Counts replays as failed of which nothing more comes: those whose claim has lapsed (their worker died, and nobody
 * knows what came of them), and those whose delivery or event was dropped for its age.
 */
export async function settleLapsed(db: Executor, recoveryId: string, now: Date): Promise<void> {
  await run(db, settle, [recoveryId, now]);
  await run(db, settleGone, [recoveryId, now]);
}

import {
  CLAIM_SECONDS,
  CLAIMED_COLUMNS,
  ENDPOINT_COLUMNS,
  LAPSED,
  NEW_CLAIM_ID,
  type ClaimedAttempt,
  type FreshQuery,
} from './claim-attempt';
import { CATCH_UP, SLOT } from './endpoint-pace';
import { run, statement, type Executor } from './sql';

/** A first attempt to an endpoint with a limit. */
export interface PacedAttempt extends ClaimedAttempt {
  /** When the endpoint may have its next one. */
  readonly nextSlotAt: Date;
}

/** Locks the pace of every such endpoint whose slot has come, so that several workers never take the same one. */
const claimPaced = statement<PacedAttempt>(
  'claim-paced',
  `WITH open AS (
     SELECT p.id AS open_id, p.max_per_second, ${ENDPOINT_COLUMNS},
       greatest(e.next_at, $1::timestamptz - ${CATCH_UP}) AS from_at
     FROM endpoint_paces e
     JOIN webhook_endpoints p ON p.id = e.endpoint_id AND p.status = 'active' AND p.deleted_at IS NULL
     JOIN organizations o ON o.id = p.org_id AND o.suspended_at IS NULL
     WHERE e.next_at <= $1 AND EXISTS (SELECT FROM webhook_deliveries d WHERE d.endpoint_id = e.endpoint_id
       AND d.status = 'pending' AND NOT d.has_workflow AND d.next_at <= $1)
     FOR UPDATE OF e SKIP LOCKED),
   picked AS (
     SELECT due.*, open.*
     FROM open
     LEFT JOIN unnest($4::text[], $5::int[]) AS busy (endpoint_id, free) ON busy.endpoint_id = open.open_id
     CROSS JOIN LATERAL (
       SELECT d.* FROM webhook_deliveries d
       WHERE d.endpoint_id = open.open_id AND d.status = 'pending' AND NOT d.has_workflow
         AND d.next_at <= $1 AND d.window_ends_at > $1
         AND (d.claimed_until IS NULL OR d.claimed_until <= $1)
       ORDER BY d.next_at LIMIT least(coalesce(busy.free, $3),
         floor(extract(epoch FROM $1::timestamptz - open.from_at) * open.max_per_second)::int + 1)
       FOR UPDATE SKIP LOCKED) due
     LIMIT $2),
   lapsed AS (${LAPSED}),
   moved AS (
     UPDATE endpoint_paces e SET next_at = p.from_at + ${SLOT} * p.taken
     FROM (SELECT open_id, from_at, max_per_second, count(*)::int AS taken FROM picked GROUP BY 1, 2, 3) p
     WHERE e.endpoint_id = p.open_id
     RETURNING e.endpoint_id, e.next_at)
   UPDATE webhook_deliveries d
   SET claim_id = ${NEW_CLAIM_ID}, claim_replay_id = NULL, claimed_at = $1,
     claimed_until = $1::timestamptz + interval '${CLAIM_SECONDS} s', attempts = d.attempts + 1
   FROM picked, events e, moved
   WHERE d.id = picked.id AND e.id = d.event_id AND moved.endpoint_id = d.endpoint_id
   RETURNING ${CLAIMED_COLUMNS}, moved.next_at AS "nextSlotAt"`,
);

/** Claims first attempts to endpoints with a limit, as many as their slots allow now. The rest stays unclaimed. */
export function claimPacedAttempts(db: Executor, query: FreshQuery): Promise<PacedAttempt[]> {
  const { now, limit, perEndpoint, busy } = query;
  return run(db, claimPaced, [now, limit, perEndpoint, [...busy.keys()], [...busy.values()]]);
}

import { run, statement, type Executor } from './sql';

/** How long a claim stands unrecorded. Over the 15 s an attempt may take, with room to record it. */
export const CLAIM_SECONDS = 20;

/** An attempt about to be made: everything that its request needs. */
export interface ClaimedAttempt {
  readonly deliveryId: string;
  /** The id (`wdel_…`) that the attempt's row will have. */
  readonly attemptId: string;
  /** Its running number in the delivery, from 1. */
  readonly attempt: number;
  readonly replayId: string | null;
  readonly claimedAt: Date;
  readonly orgId: string;
  readonly endpointId: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly body: string;
  /** The span that published the event. */
  readonly traceparent: string | null;
  readonly destinationUrl: string;
  readonly secretSealed: string;
  /** The old secret while a rotation's overlap lasts. */
  readonly previousSecretSealed: string | null;
}

/** A claim that lapsed unrecorded becomes an attempt of unknown outcome; it used up no step. */
export const LAPSED = `
  INSERT INTO webhook_attempts (id, delivery_id, org_id, livemode, endpoint_id, event_id, event_type, request_id,
    attempt, trigger, replay_id, replayed_from, destination_url, ok, error, created_at)
  SELECT claim_id, id, org_id, livemode, endpoint_id, event_id, event_type, request_id, attempts,
    CASE WHEN claim_replay_id IS NULL THEN 'schedule' ELSE 'replay' END, claim_replay_id,
    (SELECT r.replayed_from FROM webhook_replays r WHERE r.id = claim_replay_id),
    destination_url, false, 'outcome_unknown', claimed_at
  FROM picked WHERE claim_id IS NOT NULL
  ON CONFLICT (id) DO NOTHING`;

/** A recovery replays each delivery once: its replay that lapsed isn't made again, it has failed. */
export const GIVEN_UP = `given_up AS (
     UPDATE webhook_replays r SET status = 'done', attempt_id = picked.claim_id FROM picked
     WHERE r.id = picked.claim_replay_id AND r.recovery_id IS NOT NULL AND r.status = 'waiting'
     RETURNING r.recovery_id),
   uncertain AS (
     UPDATE webhook_recoveries v SET failed = v.failed + n.count
     FROM (SELECT recovery_id, count(*)::int AS count FROM given_up GROUP BY recovery_id) n
     WHERE v.id = n.recovery_id)`;

export const ENDPOINT_COLUMNS = `p.destination_url, p.secret_sealed,
  CASE WHEN p.previous_secret_until > $1 THEN p.previous_secret_sealed END AS previous_secret_sealed`;

export const CLAIMED_COLUMNS = `d.id AS "deliveryId", d.claim_id AS "attemptId", d.attempts AS attempt,
  d.claim_replay_id AS "replayId", d.claimed_at AS "claimedAt", d.org_id AS "orgId",
  d.endpoint_id AS "endpointId", d.event_id AS "eventId", d.event_type AS "eventType",
  e.body, e.traceparent, picked.destination_url AS "destinationUrl", picked.secret_sealed AS "secretSealed",
  picked.previous_secret_sealed AS "previousSecretSealed"`;

export const NEW_CLAIM_ID = `'wdel_' || replace(uuidv7()::text, '-', '')`;

/**
 * Walks the endpoints that have fresh deliveries (a skip scan: one index descent each) and takes from each at most
 * its free slots, so that an endpoint with a long queue costs nothing and hides no other. Endpoints with a limit have
 * a claim of their own.
 */
const claimFresh = statement<ClaimedAttempt>(
  'claim-fresh',
  `WITH RECURSIVE queued (endpoint_id) AS (
     (SELECT endpoint_id FROM webhook_deliveries WHERE status = 'pending' AND NOT has_workflow
      ORDER BY endpoint_id LIMIT 1)
     UNION ALL
     SELECT (SELECT d.endpoint_id FROM webhook_deliveries d
             WHERE d.status = 'pending' AND NOT d.has_workflow AND d.endpoint_id > queued.endpoint_id
             ORDER BY d.endpoint_id LIMIT 1)
     FROM queued WHERE queued.endpoint_id IS NOT NULL),
   busy AS (SELECT * FROM unnest($4::text[], $5::int[]) AS b (endpoint_id, free)),
   picked AS (
     SELECT due.*, ${ENDPOINT_COLUMNS}
     FROM (SELECT endpoint_id FROM queued WHERE endpoint_id IS NOT NULL ORDER BY random()) q
     JOIN webhook_endpoints p ON p.id = q.endpoint_id AND p.status = 'active' AND p.deleted_at IS NULL
       AND p.max_per_second IS NULL
     JOIN organizations o ON o.id = p.org_id AND o.suspended_at IS NULL
     LEFT JOIN busy ON busy.endpoint_id = q.endpoint_id
     CROSS JOIN LATERAL (
       SELECT d.* FROM webhook_deliveries d
       WHERE d.endpoint_id = q.endpoint_id AND d.status = 'pending' AND NOT d.has_workflow
         AND d.next_at <= $1 AND d.window_ends_at > $1
         AND (d.claimed_until IS NULL OR d.claimed_until <= $1)
       ORDER BY d.next_at LIMIT coalesce(busy.free, $3)
       FOR UPDATE SKIP LOCKED) due
     LIMIT $2),
   lapsed AS (${LAPSED})
   UPDATE webhook_deliveries d
   SET claim_id = ${NEW_CLAIM_ID}, claim_replay_id = NULL, claimed_at = $1,
     claimed_until = $1::timestamptz + interval '${CLAIM_SECONDS} s', attempts = d.attempts + 1
   FROM picked, events e
   WHERE d.id = picked.id AND e.id = d.event_id
   RETURNING ${CLAIMED_COLUMNS}`,
);

export interface FreshQuery {
  readonly now: Date;
  /** Attempts to claim at most. */
  readonly limit: number;
  /** What an endpoint may have in flight in this worker. */
  readonly perEndpoint: number;
  /** Free slots of the endpoints that have attempts in flight. */
  readonly busy: ReadonlyMap<string, number>;
}

/** Claims first attempts that are due, for sending at once. */
export function claimFreshAttempts(db: Executor, query: FreshQuery): Promise<ClaimedAttempt[]> {
  const { now, limit, perEndpoint, busy } = query;
  return run(db, claimFresh, [now, limit, perEndpoint, [...busy.keys()], [...busy.values()]]);
}

const claimOne = statement<ClaimedAttempt>(
  'claim-one',
  `WITH picked AS (
     SELECT d.*, ${ENDPOINT_COLUMNS}
     FROM webhook_deliveries d
     JOIN webhook_endpoints p ON p.id = d.endpoint_id AND p.status = 'active' AND p.deleted_at IS NULL
     JOIN organizations o ON o.id = d.org_id AND o.suspended_at IS NULL
     WHERE d.id = $2 AND (d.claimed_until IS NULL OR d.claimed_until <= $1)
       AND CASE WHEN $3::text IS NULL
         THEN d.status = 'pending' AND d.next_at <= $1 AND d.window_ends_at > $1
         ELSE NOT EXISTS (SELECT FROM webhook_replays r WHERE r.id = $3 AND r.status <> 'waiting') END
     FOR UPDATE OF d),
   lapsed AS (${LAPSED}),
   ${GIVEN_UP}
   UPDATE webhook_deliveries d
   SET slot_at = NULL, claim_id = ${NEW_CLAIM_ID}, claim_replay_id = $3, claimed_at = $1,
     claimed_until = $1::timestamptz + interval '${CLAIM_SECONDS} s', attempts = d.attempts + 1
   FROM picked, events e
   WHERE d.id = picked.id AND e.id = d.event_id
   RETURNING ${CLAIMED_COLUMNS}`,
);

/**
 * Claims one attempt of a delivery: the scheduled one if it is due, or that of a replay. Answers null where there
 * is nothing to make: it isn't due, another attempt is in flight, the delivery has ended, the replay was made, or
 * the endpoint takes nothing.
 */
export async function claimAttempt(
  db: Executor,
  deliveryId: string,
  replayId: string | null,
  now: Date,
): Promise<ClaimedAttempt | null> {
  const [claimed] = await run(db, claimOne, [now, deliveryId, replayId]);
  return claimed ?? null;
}

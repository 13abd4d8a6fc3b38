import type { DataSource } from 'typeorm';
import { afterFailure, type DeliverySchedule } from './delivery-schedule';
import { disableEndpoint } from './endpoint-lifecycle';
import { emitExhausted, type EndedDelivery } from './expire-deliveries';
import type { DeliveryLabels } from './outbox';
import { run, statement, type Executor } from './sql';
import type { DeliveryStatus } from './webhook-delivery';
import { WebhookEndpoint } from './webhook-endpoint';

/** What came of one attempt. Plain JSON: it travels through Temporal between sending and recording. */
export interface AttemptOutcome {
  readonly deliveryId: string;
  readonly attemptId: string;
  /** Its running number in the delivery, from 1. */
  readonly attempt: number;
  readonly labels: DeliveryLabels;
  readonly destinationUrl: string;
  readonly ok: boolean;
  readonly httpStatus: number | null;
  readonly error: string | null;
  readonly latencyMs: number;
  /** The wait that the endpoint asked for. */
  readonly retryAfterMs: number | null;
  /** The first 1 KiB of the answer. */
  readonly responseBody: string | null;
  /** ms since 1970. */
  readonly endedAt: number;
}

const OUTCOME_COLUMNS = `outcome AS (SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[],
    $5::int[], $6::text[], $7::int[], $8::text[], $9::timestamptz[])
    AS o (id, claim_id, destination_url, ok, http_status, error, latency_ms, response_body, ended_at))`;

/** The attempt's row, from the delivery as it was when claimed; `recorded` is the UPDATE that freed the claim. */
const ATTEMPT_ROWS = `attempt AS (
     INSERT INTO webhook_attempts (id, delivery_id, org_id, livemode, endpoint_id, event_id, event_type, request_id,
       attempt, trigger, replay_id, replayed_from, destination_url, http_status, ok, error, latency_ms,
       response_body, created_at, ended_at)
     SELECT r.claim_id, r.id, r.org_id, r.livemode, r.endpoint_id, r.event_id, r.event_type, r.request_id,
       r.attempts, CASE WHEN r.replay_id IS NULL THEN 'schedule' ELSE 'replay' END, r.replay_id,
       (SELECT replayed_from FROM webhook_replays w WHERE w.id = r.replay_id), r.destination_url,
       r.http_status, r.ok, r.error, r.latency_ms, r.response_body, r.claimed_at, r.ended_at
     FROM recorded r),
   replayed AS (
     UPDATE webhook_replays w SET status = 'done', attempt_id = r.claim_id
     FROM recorded r WHERE w.id = r.replay_id RETURNING w.recovery_id, r.ok),
   recovered AS (
     UPDATE webhook_recoveries v SET succeeded = v.succeeded + n.succeeded, failed = v.failed + n.failed
     FROM (SELECT recovery_id, (count(*) FILTER (WHERE ok))::int AS succeeded,
         (count(*) FILTER (WHERE NOT ok))::int AS failed
       FROM replayed WHERE recovery_id IS NOT NULL GROUP BY recovery_id) n
     WHERE v.id = n.recovery_id)`;

const RECORDED = `RETURNING d.id, d.org_id, d.livemode, d.endpoint_id, d.event_id, d.event_type, d.request_id,
       d.attempts, d.status, o.claim_id, old.claim_replay_id AS replay_id, old.claimed_at, o.destination_url,
       o.http_status, o.ok, o.error, o.latency_ms, o.response_body, o.ended_at, old.status AS status_before`;

const FREE_CLAIM = `claim_id = NULL, claim_replay_id = NULL, claimed_at = NULL, claimed_until = NULL`;

/** Successes, many in one statement. A claim that no longer stands records nothing: another attempt took its place. */
const recordDelivered = statement<{ id: string }>(
  'record-delivered',
  `WITH ${OUTCOME_COLUMNS},
   recorded AS (
     UPDATE webhook_deliveries d
     SET ${FREE_CLAIM},
       step = d.step + CASE WHEN d.claim_replay_id IS NULL THEN 1 ELSE 0 END,
       status = CASE WHEN d.status = 'pending' OR d.claim_replay_id IS NOT NULL THEN 'delivered' ELSE d.status END,
       next_at = NULL,
       finished_at = CASE WHEN d.status = 'pending' OR d.status <> 'delivered' AND d.claim_replay_id IS NOT NULL
         THEN o.ended_at ELSE d.finished_at END
     FROM outcome o WHERE d.id = o.id AND d.claim_id = o.claim_id
     ${RECORDED}),
   ${ATTEMPT_ROWS},
   counted AS (
     INSERT INTO delivered_counts (org_id, period, units, last_at)
     SELECT org_id, to_char(ended_at AT TIME ZONE 'UTC', 'YYYY-MM'), count(*), max(ended_at) FROM recorded
     WHERE livemode AND status = 'delivered' AND status_before <> 'delivered' GROUP BY 1, 2),
   touched AS (
     UPDATE webhook_endpoints p SET last_delivered_at = latest.ended_at, failing_since = NULL, failing_told = 0
     FROM (SELECT endpoint_id, max(ended_at) AS ended_at FROM recorded GROUP BY endpoint_id) latest
     WHERE p.id = latest.endpoint_id AND (p.failing_since IS NOT NULL OR p.last_delivered_at IS NULL
       OR p.last_delivered_at < latest.ended_at - interval '1 s'))
   SELECT id FROM recorded`,
);

/** Records successes in one statement and answers the ids of the deliveries whose claim still stood. */
export async function recordSuccesses(
  db: Executor,
  outcomes: readonly AttemptOutcome[],
): Promise<string[]> {
  const rows = await run(db, recordDelivered, columnsOf(outcomes));
  return rows.map((row) => row.id);
}

interface LockedDelivery {
  readonly id: string;
  readonly step: number;
  readonly schedule: number[];
  readonly status: DeliveryStatus;
  readonly window_ends_at: Date;
  readonly next_at: Date | null;
  readonly claim_replay_id: string | null;
  readonly endpoint_id: string;
}

const lockClaimed = statement<LockedDelivery>(
  'lock-claimed',
  `SELECT id, step, schedule, status, window_ends_at, next_at, claim_replay_id, endpoint_id
   FROM webhook_deliveries WHERE id = $1 AND claim_id = $2 FOR UPDATE`,
);

const recordFailed = statement<EndedDelivery>(
  'record-failed',
  `WITH ${OUTCOME_COLUMNS},
   recorded AS (
     UPDATE webhook_deliveries d
     SET ${FREE_CLAIM}, step = $10, status = $11, next_at = $12,
       finished_at = CASE WHEN $11 = 'failed' AND d.status = 'pending' THEN o.ended_at ELSE d.finished_at END,
       has_workflow = d.has_workflow OR $11 = 'pending'
     FROM outcome o WHERE d.id = o.id AND d.claim_id = o.claim_id
     ${RECORDED}, old.has_workflow AS had_workflow, d.next_at),
   ${ATTEMPT_ROWS},
   started AS (
     INSERT INTO outbox (kind, ref, payload, due_at, created_at, traceparent)
     SELECT 'start_delivery', id, jsonb_build_object('orgId', org_id, 'endpointId', endpoint_id,
       'eventType', event_type), next_at, ended_at, (SELECT e.traceparent FROM events e WHERE e.id = event_id)
     FROM recorded WHERE status = 'pending' AND NOT had_workflow),
   touched AS (
     UPDATE webhook_endpoints p SET failing_since = r.ended_at
     FROM recorded r WHERE p.id = r.endpoint_id AND p.failing_since IS NULL)
   SELECT id, org_id, livemode, endpoint_id, event_id, event_type, request_id, attempts FROM recorded`,
);

/**
 * Records a failed attempt and decides what comes next: the next scheduled one (and, the first time, the command that
 * starts its workflow), or the delivery's end. 410 Gone disables the endpoint, in the same transaction. Does nothing
 * if the claim no longer stands, so it is safe to repeat. Answers what it left the delivery as; null where the claim fell.
 */
export async function recordFailure(
  db: DataSource,
  outcome: AttemptOutcome,
  schedule: DeliverySchedule,
  random: number = Math.random(),
): Promise<DeliveryStatus | null> {
  return db.transaction(async (tx) => {
    const [delivery] = await run(tx, lockClaimed, [outcome.deliveryId, outcome.attemptId]);
    if (!delivery) return null;
    const { status, step, nextAt } = decide(delivery, outcome, random);
    const values = [...columnsOf([outcome]), step, status, nextAt];
    const [failed] = await run(tx, recordFailed, values);
    if (!failed) return null;
    const now = new Date(outcome.endedAt);
    if (status === 'failed' && delivery.status === 'pending') {
      await emitExhausted(tx, failed, outcome, schedule);
    }
    if (outcome.httpStatus === 410) {
      const endpoint = await tx.findOne(WebhookEndpoint, {
        where: { id: failed.endpoint_id },
        lock: { mode: 'pessimistic_write' },
      });
      const actor = { type: 'system', id: null } as const;
      const requestId = failed.request_id;
      const isTheSame = endpoint?.destinationUrl === outcome.destinationUrl;
      if (endpoint?.status === 'active' && !endpoint.deletedAt && isTheSame) {
        await disableEndpoint(tx, { endpoint, reason: 'gone', actor, requestId, now, schedule });
      }
    }
    return status;
  });
}

/** Records one attempt, whichever way it went. Answers what it left the delivery as; null where the claim fell. */
export async function recordOutcome(
  db: DataSource,
  outcome: AttemptOutcome,
  schedule: DeliverySchedule,
): Promise<DeliveryStatus | null> {
  if (!outcome.ok) return recordFailure(db, outcome, schedule);
  const recorded = await recordSuccesses(db, [outcome]);
  return recorded.length > 0 ? 'delivered' : null;
}

/** Told of what a recorded attempt left its delivery as. */
export type Recorded = (outcome: AttemptOutcome, status: DeliveryStatus) => void;

function decide(
  delivery: LockedDelivery,
  outcome: AttemptOutcome,
  random: number,
): { status: DeliveryStatus; step: number; nextAt: Date | null } {
  const { status, step: before, claim_replay_id: replayId } = delivery;
  if (status !== 'pending' || replayId !== null) {
    return { status, step: before, nextAt: delivery.next_at };
  }
  const step = before + 1;
  const then = afterFailure({
    step,
    waitsSeconds: delivery.schedule,
    endedAt: new Date(outcome.endedAt),
    windowEndsAt: delivery.window_ends_at,
    retryAfterMs: outcome.retryAfterMs,
    random,
  });
  if (then === 'failed') return { status: 'failed', step, nextAt: null };
  return { status, step, nextAt: then === 'expire' ? delivery.window_ends_at : then.next };
}

function columnsOf(outcomes: readonly AttemptOutcome[]): unknown[] {
  return [
    outcomes.map((o) => o.deliveryId),
    outcomes.map((o) => o.attemptId),
    outcomes.map((o) => o.destinationUrl),
    outcomes.map((o) => o.ok),
    outcomes.map((o) => o.httpStatus),
    outcomes.map((o) => o.error),
    outcomes.map((o) => o.latencyMs),
    outcomes.map((o) => o.responseBody),
    outcomes.map((o) => new Date(o.endedAt)),
  ];
}

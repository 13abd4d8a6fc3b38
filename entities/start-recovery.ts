import type { EntityManager } from 'typeorm';
import { Fault } from '../platform/fault';
import { newId } from '../platform/ids';
import { enqueue } from './outbox';
import { firstRate } from './recovery-pace';
import { run, statement, type Executor } from './sql';
import type { WebhookEndpoint } from './webhook-endpoint';
import { WebhookRecovery } from './webhook-recovery';

/** What a recovery takes in: deliveries created at or after `since` and before `until`. */
export interface RecoveryRange {
  readonly since: Date;
  readonly until: Date;
}

const FAILED = `FROM webhook_deliveries
   WHERE endpoint_id = $1 AND status = 'failed' AND created_at >= $2 AND created_at < $3`;

const count = statement<{ total: number }>(
  'count-recoverable',
  `SELECT count(*)::int AS total ${FAILED}`,
);

/** How many deliveries a recovery of this range would replay now. */
export async function countRecoverable(
  db: Executor,
  endpointId: string,
  { since, until }: RecoveryRange,
): Promise<number> {
  const [row] = await run(db, count, [endpointId, since, until]);
  return row?.total ?? 0;
}

/**
 * Which deliveries are meant is decided here, in the statement that counts them: a queued replay each. They are held,
 * so that none is dropped for its age meanwhile.
 */
const insert = statement(
  'insert-recovery',
  `WITH meant AS (SELECT id, org_id ${FAILED} FOR KEY SHARE),
   queued AS (
     INSERT INTO webhook_replays (id, org_id, delivery_id, status, recovery_id, requested_at)
     SELECT 'rpl_' || replace(uuidv7()::text, '-', ''), org_id, id, 'queued', $4, $9 FROM meant
     RETURNING 1),
   counted AS (SELECT count(*)::int AS total FROM queued)
   INSERT INTO webhook_recoveries (id, org_id, livemode, endpoint_id, status, since, until, per_second, rate, next_at,
     total, request_id, created_at, updated_at, finished_at)
   SELECT $4, $5, $6, $1, CASE WHEN total = 0 THEN 'done' ELSE 'running' END, $2, $3, $7, $8, $9,
     total, $10, $9, $9, CASE WHEN total = 0 THEN $9::timestamptz END
   FROM counted`,
);

const findOpen = statement<{ id: string; status: string }>(
  'open-recovery',
  `SELECT id, status FROM webhook_recoveries WHERE endpoint_id = $1 AND status IN ('running', 'paused')`,
);

/**
 * Starts a recovery of a locked endpoint, with the command that starts its workflow. Throws conflict where the
 * endpoint is disabled, or where a recovery of it runs or is paused (details.recoveryId).
 */
export async function startRecovery(
  tx: EntityManager,
  endpoint: WebhookEndpoint,
  recovery: RecoveryRange & {
    readonly perSecond: number;
    readonly requestId: string;
    readonly now: Date;
  },
): Promise<WebhookRecovery> {
  const { since, until, perSecond, requestId, now } = recovery;
  if (endpoint.status !== 'active') {
    throw new Fault('conflict', {
      message: 'The endpoint is disabled.',
      hint: 'Enable it with PATCH {"status":"active"} first.',
    });
  }
  const [open] = await run(tx, findOpen, [endpoint.id]);
  if (open) {
    throw new Fault('conflict', {
      message: `A recovery of this endpoint is ${open.status} already.`,
      hint: 'Wait for the one in details.recoveryId, or cancel it.',
      details: { recoveryId: open.id },
    });
  }
  const id = newId('rec');
  const { orgId, livemode } = endpoint;
  await run(tx, insert, [
    endpoint.id,
    since,
    until,
    id,
    orgId,
    livemode,
    perSecond,
    firstRate(perSecond),
    now,
    requestId,
  ]);
  const started = await tx.findOneByOrFail(WebhookRecovery, { id });
  if (started.status === 'running') {
    const payload = { orgId, endpointId: endpoint.id };
    await enqueue(tx, { kind: 'recover_endpoint', ref: id, payload }, now);
  }
  return started;
}

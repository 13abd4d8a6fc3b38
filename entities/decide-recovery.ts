import type { EntityManager } from 'typeorm';
import { Fault } from '../platform/fault';
import type { Actor, AuditFact } from './audit-record';
import { enqueue } from './outbox';
import { run, statement } from './sql';
import { WebhookEndpoint } from './webhook-endpoint';
import { recoveryFacts, WebhookRecovery, type RecoveryStatus } from './webhook-recovery';

export type RecoveryAct = 'pause' | 'resume' | 'cancel';

const STATUS_AFTER = { pause: 'paused', resume: 'running', cancel: 'cancelled' } as const;

const setStatus = statement<{ id: string }>(
  'set-recovery-status',
  `UPDATE webhook_recoveries SET status = $2, updated_at = $3,
     finished_at = CASE WHEN $2 = 'cancelled' THEN $3::timestamptz END
   WHERE id = $1 AND status IN ('running', 'paused') AND status <> $2 RETURNING id`,
);

const refuseQueued = statement(
  'refuse-queued',
  `UPDATE webhook_replays SET status = 'refused' WHERE recovery_id = $1 AND status = 'queued'`,
);

/** Moves a recovery that has not ended to another status. Answers whether it was not there already. */
async function moveTo(
  tx: EntityManager,
  recoveryId: string,
  status: 'running' | 'paused' | 'cancelled',
  now: Date,
): Promise<boolean> {
  if ((await run(tx, setStatus, [recoveryId, status, now])).length === 0) return false;
  if (status === 'cancelled') await run(tx, refuseQueued, [recoveryId]);
  return true;
}

/**
 * Pauses, resumes or cancels a recovery, in force at commit, whoever asks: API or operator's signal. The same
 * decision again changes nothing. Throws conflict for one that has ended, and for resuming at a disabled endpoint.
 */
export async function decideRecovery(
  tx: EntityManager,
  decision: {
    readonly recoveryId: string;
    readonly act: RecoveryAct;
    readonly actor: Actor;
    readonly requestId: string | null;
    readonly now: Date;
  },
): Promise<{ recovery: WebhookRecovery; fact: AuditFact | null }> {
  const { recoveryId, act, actor, requestId, now } = decision;
  const before = await tx.findOneByOrFail(WebhookRecovery, { id: recoveryId });
  if (act === 'resume') await requireActive(tx, before.endpointId);
  const status = STATUS_AFTER[act];
  const moved = await moveTo(tx, recoveryId, status, now);
  const recovery = await tx.findOneByOrFail(WebhookRecovery, { id: recoveryId });
  if (!moved) {
    if (recovery.status === status) return { recovery, fact: null };
    throw new Fault('conflict', {
      message: `This recovery is ${recovery.status} already.`,
      hint: 'Start another one with POST /v1/webhook_endpoints/{id}/recover.',
      details: { status: recovery.status },
    });
  }
  await wake(tx, recovery, now);
  return { recovery, fact: { ...factOf(recovery), actor, requestId } };
}

const open = statement<{ id: string }>(
  'recoveries-to-stop',
  `SELECT id FROM webhook_recoveries WHERE endpoint_id = $1
     AND (status = 'running' OR $2 = 'cancelled' AND status = 'paused')`,
);

/**
 * Pauses or cancels what recovers a locked endpoint, since the endpoint takes nothing more. Answers what to audit.
 */
export async function stopRecoveries(
  tx: EntityManager,
  endpointId: string,
  status: 'paused' | 'cancelled',
  now: Date,
): Promise<Pick<AuditFact, 'action' | 'target' | 'after'>[]> {
  const facts = [];
  for (const { id } of await run(tx, open, [endpointId, status])) {
    if (!(await moveTo(tx, id, status, now))) continue;
    const recovery = await tx.findOneByOrFail(WebhookRecovery, { id });
    await wake(tx, recovery, now);
    facts.push(factOf(recovery));
  }
  return facts;
}

const finish = statement<{ id: string }>(
  'finish-recovery',
  `UPDATE webhook_recoveries SET status = 'done', updated_at = $2, finished_at = $2
   WHERE id = $1 AND status = 'running' AND succeeded + failed = total RETURNING id`,
);

/** Ends a recovery of which every replay has its outcome. Answers what to audit, null where it isn't the end. */
export async function finishRecovery(
  tx: EntityManager,
  recoveryId: string,
  now: Date,
): Promise<{ orgId: string; fact: AuditFact } | null> {
  if ((await run(tx, finish, [recoveryId, now])).length === 0) return null;
  const recovery = await tx.findOneByOrFail(WebhookRecovery, { id: recoveryId });
  const { orgId, requestId } = recovery;
  return { orgId, fact: { ...factOf(recovery), actor: { type: 'system', id: null }, requestId } };
}

async function requireActive(tx: EntityManager, endpointId: string): Promise<void> {
  const endpoint = await tx.findOne(WebhookEndpoint, {
    where: { id: endpointId },
    lock: { mode: 'pessimistic_read' },
  });
  if (endpoint?.status === 'active') return;
  throw new Fault('conflict', {
    message: 'The endpoint is disabled.',
    hint: 'Enable it with PATCH {"status":"active"} first.',
  });
}

function wake(tx: EntityManager, recovery: WebhookRecovery, now: Date): Promise<void> {
  const { id, orgId, endpointId } = recovery;
  return enqueue(tx, { kind: 'recover_endpoint', ref: id, payload: { orgId, endpointId } }, now);
}

const ACTION_OF: Record<RecoveryStatus, string> = {
  running: 'webhook_recovery.resumed',
  paused: 'webhook_recovery.paused',
  cancelled: 'webhook_recovery.cancelled',
  done: 'webhook_recovery.done',
};

function factOf(recovery: WebhookRecovery): Pick<AuditFact, 'action' | 'target' | 'after'> {
  return {
    action: ACTION_OF[recovery.status],
    target: { type: 'webhook_recovery', id: recovery.id },
    after: recoveryFacts(recovery),
  };
}

import type { EntityManager } from 'typeorm';
import { Fault } from '../platform/fault';
import { enqueue } from './outbox';
import { run, statement, type Executor } from './sql';
import type { WebhookDelivery } from './webhook-delivery';

/** Replays of one delivery that may wait at once. */
export const MOST_WAITING_REPLAYS = 100;

const insertReplay = statement<{ id: string }>(
  'insert-replay',
  `INSERT INTO webhook_replays (id, org_id, delivery_id, replayed_from, requested_at, request_id, requested_by)
   SELECT $1, $2, $3, $4, $5, $7, $8
   WHERE (SELECT count(*) FROM webhook_replays WHERE delivery_id = $3 AND status = 'waiting') < $6
   ON CONFLICT (id) DO NOTHING RETURNING id`,
);

const replayExists = statement('replay-exists', `SELECT 1 FROM webhook_replays WHERE id = $1`);

/**
 * Asks for one more attempt of a delivery, with the command that tells its workflow. The same replay id asks once.
 * Throws conflict where too many wait already.
 */
export async function askReplay(
  tx: EntityManager,
  delivery: WebhookDelivery,
  replay: {
    readonly id: string;
    readonly replayedFrom: string | null;
    readonly now: Date;
    /** Who asked, in which request. */
    readonly requestId: string;
    readonly requestedBy: string;
  },
): Promise<void> {
  const inserted = await run(tx, insertReplay, [
    replay.id,
    delivery.orgId,
    delivery.id,
    replay.replayedFrom,
    replay.now,
    MOST_WAITING_REPLAYS,
    replay.requestId,
    replay.requestedBy,
  ]);
  if (inserted.length === 0) {
    if ((await run(tx, replayExists, [replay.id])).length > 0) return;
    throw new Fault('conflict', {
      message: `${MOST_WAITING_REPLAYS} replays of this delivery are waiting already.`,
      hint: 'Wait until they are made, then ask again.',
    });
  }
  const { orgId, endpointId, eventType } = delivery;
  const signal = { name: 'replay', replayId: replay.id } as const;
  await enqueue(
    tx,
    {
      kind: 'signal_delivery',
      ref: delivery.id,
      payload: { orgId, endpointId, eventType, signal },
    },
    replay.now,
  );
}

const refuse = statement(
  'refuse-replay',
  `UPDATE webhook_replays SET status = 'refused' WHERE id = $1 AND status = 'waiting'`,
);

/** Puts away a replay that can't be made. */
export async function refuseReplay(executor: Executor, replayId: string): Promise<void> {
  await run(executor, refuse, [replayId]);
}

const readReplay = statement<{ status: 'waiting' | 'done' | 'refused'; attempt_id: string | null }>(
  'read-replay',
  `SELECT status, attempt_id FROM webhook_replays WHERE id = $1`,
);

/** What became of a replay so far. */
export async function replayState(
  executor: Executor,
  replayId: string,
): Promise<{ status: 'waiting' | 'done' | 'refused'; attemptId: string | null }> {
  const [row] = await run(executor, readReplay, [replayId]);
  return { status: row?.status ?? 'waiting', attemptId: row?.attempt_id ?? null };
}

import { currentTraceparent } from '../platform/trace';
import { run, statement, type Executor } from './sql';

/** A signal for a delivery's workflow, with what it carries. */
export type DeliverySignal =
  | { readonly name: 'replay'; readonly replayId: string }
  | { readonly name: 'cancel' }
  | { readonly name: 'wake' };

/** What a command to a delivery's workflow needs so that an operator finds and reads it in Temporal's UI. */
export interface DeliveryLabels {
  readonly orgId: string;
  readonly endpointId: string;
  readonly eventType: string;
}

/** Everything the relay may be asked to do. The row is deleted after it was done, so each must be safe to repeat. */
export type Command =
  | { readonly kind: 'start_delivery'; readonly ref: string; readonly payload: DeliveryLabels }
  | {
      readonly kind: 'signal_delivery';
      readonly ref: string;
      readonly payload: DeliveryLabels & { readonly signal: DeliverySignal };
    }
  | {
      /** Starts a recovery's workflow, or tells it to look at its row again. */
      readonly kind: 'recover_endpoint';
      readonly ref: string;
      readonly payload: { readonly orgId: string; readonly endpointId: string };
    }
  | {
      readonly kind: 'send_mail';
      readonly ref: string;
      readonly payload: { readonly orgId: string; readonly subject: string };
    }
  | {
      readonly kind: 'start_approval';
      readonly ref: string;
      readonly payload: { readonly orgId: string; readonly summary: string };
    }
  | {
      readonly kind: 'wake_approval' | 'wake_checkout' | 'start_grace' | 'wake_grace';
      readonly ref: string;
      readonly payload: { readonly orgId: string };
    }
  | {
      readonly kind: 'start_checkout' | 'start_artifact';
      readonly ref: string;
      readonly payload: { readonly orgId: string; readonly summary: string };
    };

const insertCommand = statement(
  'outbox-insert',
  `INSERT INTO outbox (kind, ref, payload, due_at, created_at, traceparent) VALUES ($1, $2, $3, $4, $5, $6)`,
);

/** Commits a command together with the change that asks for it. Commands are taken by `dueAt`, those of one ref in order. */
export async function enqueue(
  tx: Executor,
  command: Command,
  now: Date,
  dueAt: Date = now,
): Promise<void> {
  await run(tx, insertCommand, [
    command.kind,
    command.ref,
    JSON.stringify(command.payload),
    dueAt,
    now,
    currentTraceparent(),
  ]);
}

/** How long a command is held by the worker that took it. */
const LEASE_SECONDS = 30;

/** A command taken from the outbox, with what is needed to finish it. */
export type LeasedCommand = Command & {
  readonly id: string;
  readonly attempts: number;
  /** The span that caused it. */
  readonly traceparent: string | null;
};

const lease = statement<{
  id: string;
  kind: string;
  ref: string;
  payload: unknown;
  attempts: number;
  traceparent: string | null;
}>(
  'outbox-lease',
  `WITH picked AS (
     SELECT o.id FROM outbox o
     WHERE o.leased_until <= $1 AND o.not_before <= $1 AND (o.kind <> 'start_delivery' OR $3 > 0)
       AND NOT EXISTS (SELECT FROM outbox earlier WHERE earlier.ref = o.ref AND earlier.id < o.id AND earlier.kind <> 'start_delivery')
     ORDER BY o.kind = 'start_delivery', o.due_at, o.id LIMIT $2 FOR UPDATE SKIP LOCKED),
   kept AS (
     SELECT id FROM (SELECT p.id, o.kind, row_number() OVER (PARTITION BY o.kind ORDER BY o.due_at, o.id) AS n
       FROM picked p JOIN outbox o ON o.id = p.id) ranked
     WHERE kind <> 'start_delivery' OR n <= $3)
   UPDATE outbox o SET leased_until = $1::timestamptz + interval '${LEASE_SECONDS} s', attempts = o.attempts + 1
   FROM kept WHERE o.id = kept.id
   RETURNING o.id, o.kind, o.ref, o.payload, o.attempts, o.traceparent`,
);

/**
 * Takes commands that are due, soonest first and of one ref only the oldest; of delivery starts at most `starts`, and
 * after everything else: a replay or a cancel never waits behind them (a replay starts the workflow itself).
 * What isn't finished is free again when its lease ends.
 */
export async function leaseCommands(
  db: Executor,
  now: Date,
  limit: number,
  starts: number,
): Promise<LeasedCommand[]> {
  const rows = await run(db, lease, [now, limit, starts]);
  return rows as unknown as LeasedCommand[];
}

const remove = statement('outbox-remove', `DELETE FROM outbox WHERE id = ANY($1::bigint[])`);

/** Removes commands that were carried out. */
export async function finishCommands(db: Executor, ids: readonly string[]): Promise<void> {
  await run(db, remove, [ids]);
}

const postpone = statement(
  'outbox-postpone',
  `UPDATE outbox SET leased_until = '-infinity', not_before = $2, last_error = left($3, 500) WHERE id = $1`,
);

/** Puts a command that failed back, to be tried again at `notBefore`. */
export async function postponeCommand(
  db: Executor,
  id: string,
  notBefore: Date,
  error: string,
): Promise<void> {
  await run(db, postpone, [id, notBefore, error]);
}

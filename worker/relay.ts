import type { DataSource } from 'typeorm';
import {
  finishCommands,
  leaseCommands,
  postponeCommand,
  type LeasedCommand,
} from '../entities/outbox';
import type { Clock } from '../platform/clock';
import type { Log } from '../platform/log';
import { createLoop, type Loop } from '../platform/loop';
import { messageOf } from '../platform/message-of';
import type { DeliveryMetrics } from './delivery-metrics';
import type { TokenBucket } from './token-bucket';

/** With 8 at once and 5 s a call at most, a batch ends within its lease of 30 s. */
const BATCH = 40;
const CONCURRENCY = 8;
const LONGEST_BACKOFF_MS = 30_000;

/** Carries one command to Temporal. Safe to repeat: the relay does so after a crash. */
export type Carry = (command: LeasedCommand) => Promise<void>;

/**
 * The only door to Temporal: takes commands from the outbox, carries them, and deletes each after it was done. A
 * crash between the two repeats it. One that Temporal refuses or leaves unanswered waits with a growing gap.
 */
export function createRelay(deps: {
  readonly db: DataSource;
  readonly clock: Clock;
  readonly log: Log;
  readonly carry: Carry;
  /** Whether Temporal answers: while it doesn't, commands stay as they are, and go at once when it is back. */
  readonly isTemporalUp: () => boolean;
  readonly metrics: Pick<DeliveryMetrics, 'commandCarried'>;
  /** Paces the starts of deliveries that have to wait, so that many failures at once don't starve the machine. */
  readonly starts: TokenBucket;
}): Loop {
  const { db, clock, log, carry, isTemporalUp, metrics, starts } = deps;
  return createLoop({ name: 'relay', log, pollMs: 250, turn });

  async function turn(): Promise<boolean> {
    if (!isTemporalUp()) return false;
    const allowed = starts.available();
    const commands = await leaseCommands(db, clock.now(), BATCH, allowed);
    starts.take(commands.filter((command) => command.kind === 'start_delivery').length);
    const queue = [...commands];
    const carriers = Array.from({ length: Math.min(CONCURRENCY, queue.length) }, async () => {
      for (let next = queue.shift(); next; next = queue.shift()) await carryOne(next);
    });
    await Promise.all(carriers);
    return commands.length > 0;
  }

  async function carryOne(command: LeasedCommand): Promise<void> {
    try {
      await carry(command);
      await finishCommands(db, [command.id]);
      const { kind, ref, attempts } = command;
      metrics.commandCarried(kind, 'carried');
      if (attempts > 1) log.info({ kind, ref, attempts }, 'command carried late');
    } catch (error) {
      metrics.commandCarried(command.kind, 'postponed');
      const waitMs = Math.min(250 * 2 ** command.attempts, LONGEST_BACKOFF_MS);
      const message = messageOf(error);
      log.warn({ kind: command.kind, ref: command.ref, waitMs, err: error }, 'a command must wait');
      await postponeCommand(db, command.id, new Date(clock.now().getTime() + waitMs), message);
    }
  }
}

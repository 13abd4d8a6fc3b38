import type { DataSource } from 'typeorm';
import type { StripeActivities } from '../activities/stripe';
import { leaseStripeEvents, postponeStripeEvent } from '../entities/stripe-event';
import type { Clock } from '../platform/clock';
import type { Log } from '../platform/log';
import { createLoop, type Loop } from '../platform/loop';
import { messageOf } from '../platform/message-of';

const BATCH = 20;
const CONCURRENCY = 5;
const POLL_MS = 500;
const LONGEST_BACKOFF_MS = 60_000;

/**
 * Acts on the events that Stripe told, oldest first. Each is safe to repeat; one that fails (Stripe is away) waits with
 * a growing gap. Apart from the relay, so that a Stripe that hangs delays no webhook.
 */
export function createStripeInbox(deps: {
  readonly db: DataSource;
  readonly clock: Clock;
  readonly log: Log;
  readonly apply: StripeActivities['applyStripeEvent'];
}): Loop {
  const { db, clock, log, apply } = deps;

  async function actOn({ id, attempts }: { id: string; attempts: number }): Promise<void> {
    try {
      await apply(id);
    } catch (error) {
      const waitMs = Math.min(500 * 2 ** attempts, LONGEST_BACKOFF_MS);
      const message = messageOf(error);
      log.warn({ event: id, waitMs, err: error }, 'an event of Stripe must wait');
      await postponeStripeEvent(db, id, new Date(clock.now().getTime() + waitMs), message);
    }
  }

  return createLoop({
    name: 'stripe inbox',
    log,
    pollMs: POLL_MS,
    async turn() {
      const events = await leaseStripeEvents(db, clock.now(), BATCH);
      const queue = [...events];
      const lanes = Array.from({ length: Math.min(CONCURRENCY, queue.length) }, async () => {
        for (let next = queue.shift(); next; next = queue.shift()) await actOn(next);
      });
      await Promise.all(lanes);
      return events.length > 0;
    },
  });
}

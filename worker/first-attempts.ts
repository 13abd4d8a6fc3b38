import type { EndpointSlots } from '../activities/endpoint-slots';
import type { MakeAttempt } from '../activities/make-attempt';
import type { ClaimedAttempt, FreshQuery } from '../entities/claim-attempt';
import type { Clock } from '../platform/clock';
import type { Log } from '../platform/log';
import type { Recorder } from './record-batches';
import { createLoop, type Loop } from '../platform/loop';

const BATCH = 100;

/** What a loop of first attempts works with. */
export interface FirstAttemptsOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly slots: EndpointSlots;
  readonly totalSlots: number;
  readonly perEndpoint: number;
  readonly claim: (query: FreshQuery) => Promise<ClaimedAttempt[]>;
  readonly makeAttempt: MakeAttempt;
  readonly recorder: Recorder;
  /** How long a lost wake-up goes unnoticed; 250 ms unless said. */
  readonly pollMs?: number;
}

/** A loop that can be waited for until everything it sent is recorded. */
export type FirstAttempts = Loop & { drain(): Promise<void> };

/**
 * Makes first attempts straight from the deliveries table, without waiting for Temporal: claims what is due, sends,
 * hands the outcome to the recorder. Claims only what starts now.
 */
export function createFirstAttempts(options: FirstAttemptsOptions): FirstAttempts {
  const { name, clock, log, slots, totalSlots, perEndpoint, claim, makeAttempt, recorder } =
    options;
  const { pollMs = 250 } = options;
  const sending = new Set<Promise<void>>();
  let starved = false;
  /** Endpoints that had no slot left after the last claim. */
  let full: ReadonlySet<string> = new Set();

  const loop = createLoop({ name, log, pollMs, turn: claimAndSend });

  async function claimAndSend(): Promise<boolean> {
    if (recorder.isHeldUp()) return false;
    const limit = Math.min(totalSlots - slots.inFlight, BATCH);
    starved = limit <= 0;
    if (starved) return false;
    const busy = slots.free();
    const query = { now: clock.now(), limit, perEndpoint, busy };
    const claimed = await claim(query);
    full = endpointsAtLimit(claimed, busy, perEndpoint);
    for (const attempt of claimed) {
      const sent = send(attempt).finally(() => {
        sending.delete(sent);
        if (starved || full.has(attempt.endpointId)) loop.wake();
      });
      sending.add(sent);
    }
    starved = claimed.length === limit;
    return starved;
  }

  async function send(attempt: ClaimedAttempt): Promise<void> {
    const release = slots.take(attempt.endpointId);
    try {
      recorder.record(await makeAttempt(attempt));
    } catch (error) {
      log.error({ err: error, deliveryId: attempt.deliveryId }, 'an attempt could not be made');
    } finally {
      release();
    }
  }

  return {
    ...loop,
    async drain() {
      await Promise.all(sending);
      await recorder.drain();
    },
  };
}

/** Endpoints that have all the slots they may have: more may wait behind, for when one is free again. */
function endpointsAtLimit(
  claimed: readonly ClaimedAttempt[],
  busy: ReadonlyMap<string, number>,
  perEndpoint: number,
): Set<string> {
  const left = new Map(busy);
  for (const { endpointId } of claimed) {
    left.set(endpointId, (left.get(endpointId) ?? perEndpoint) - 1);
  }
  return new Set([...left].filter(([, free]) => free <= 0).map(([endpointId]) => endpointId));
}

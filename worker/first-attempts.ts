import type { DataSource } from 'typeorm';
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
  readonly db: DataSource;
  readonly clock: Clock;
  readonly log: Log;
  readonly slots: EndpointSlots;
  readonly totalSlots: number;
  readonly perEndpoint: number;
  readonly claim: (query: FreshQuery) => Promise<ClaimedAttempt[]>;
  readonly makeAttempt: MakeAttempt;
  readonly recorder: Recorder;
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
  const sending = new Set<Promise<void>>();
  let starved = false;

  const loop = createLoop({ name, log, pollMs: 250, turn: claimAndSend });

  async function claimAndSend(): Promise<boolean> {
    const limit = Math.min(totalSlots - slots.inFlight, BATCH);
    starved = limit <= 0;
    if (starved) return false;
    const busy = slots.free();
    const query = { now: clock.now(), limit, perEndpoint, busy };
    const claimed = await claim(query);
    for (const attempt of claimed) {
      const sent = send(attempt).finally(() => {
        sending.delete(sent);
        if (starved || busy.size > 0) loop.wake();
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

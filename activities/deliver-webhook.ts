import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { DataSource } from 'typeorm';
import { cancelDelivery } from '../entities/cancel-delivery';
import { claimAttempt, type ClaimedAttempt } from '../entities/claim-attempt';
import type { DeliverySchedule } from '../entities/delivery-schedule';
import { viewDelivery, type DeliveryView } from '../entities/delivery-view';
import { reserveSlot } from '../entities/endpoint-pace';
import { expireDeliveries } from '../entities/expire-deliveries';
import { recordOutcome, type AttemptOutcome, type Recorded } from '../entities/record-attempt';
import { refuseReplay } from '../entities/replay-delivery';
import type { Clock } from '../platform/clock';
import type { EndpointSlots } from './endpoint-slots';
import type { MakeAttempt } from './make-attempt';

/** How long an attempt is put off while its endpoint is at its limit. */
const FULL_WAIT_MS = 500;

export interface DeliveryDependencies {
  readonly db: DataSource;
  readonly clock: Clock;
  readonly schedule: DeliverySchedule;
  readonly makeAttempt: MakeAttempt;
  readonly slots: EndpointSlots;
  readonly recorded?: Recorded;
}

/** What a delivery's workflow asks of the world. Each is safe to repeat. */
export interface DeliveryActivities {
  readDelivery(deliveryId: string): Promise<DeliveryView | null>;
  /** Claims and makes one attempt; null where there was none to make. A stranger's failure is an outcome, never thrown. */
  sendAttempt(deliveryId: string, replayId: string | null): Promise<AttemptOutcome | null>;
  recordAttempt(outcome: AttemptOutcome): Promise<void>;
  cancelDelivery(deliveryId: string): Promise<void>;
  /** Fails a delivery whose window has ended. */
  expireDelivery(deliveryId: string): Promise<void>;
  /** Puts away a replay that can't be made, since the endpoint takes nothing. */
  refuseReplay(deliveryId: string, replayId: string): Promise<void>;
}

export function createDeliveryActivities(deps: DeliveryDependencies): DeliveryActivities {
  const { db, clock, schedule, makeAttempt, slots, recorded } = deps;
  return {
    readDelivery: (deliveryId) => viewDelivery(db, deliveryId),

    async sendAttempt(deliveryId, replayId) {
      const delivery = await viewDelivery(db, deliveryId);
      const now = clock.now();
      if (!delivery) return null;
      if (delivery.claimedUntil !== null && delivery.claimedUntil > now.getTime()) {
        throw later('another attempt is being made', delivery.claimedUntil - now.getTime());
      }
      if (slots.isFull(delivery.endpointId)) {
        throw later('the endpoint has its share of requests in flight', FULL_WAIT_MS);
      }
      if (delivery.paced) {
        const slotAt = await reserveSlot(db, deliveryId, now);
        if (slotAt > now) {
          throw later('the endpoint is at its limit', slotAt.getTime() - now.getTime());
        }
      }
      const claimed = await claimAttempt(db, deliveryId, replayId, now);
      if (claimed) return sendClaimed(claimed);
      await whyNotClaimed(deliveryId, replayId);
      return null;
    },

    async recordAttempt(outcome) {
      const status = await recordOutcome(db, outcome, schedule);
      if (status !== null) recorded?.(outcome, status);
    },

    async cancelDelivery(deliveryId) {
      await cancelDelivery(db, deliveryId, clock.now());
    },

    async expireDelivery(deliveryId) {
      await expireDeliveries(db, deliveryId, clock.now(), schedule);
    },

    async refuseReplay(_deliveryId, replayId) {
      await refuseReplay(db, replayId);
    },
  };

  /**
   * After a claim that found nothing to make: throws `later` where it may yet be made (another attempt came between,
   * or this clock is behind the workflow's), and puts away a replay that can't be.
   */
  async function whyNotClaimed(deliveryId: string, replayId: string | null): Promise<void> {
    const delivery = await viewDelivery(db, deliveryId);
    if (!delivery) return;
    const nowMs = clock.now().getTime();
    const { status, endpoint, claimedUntil, nextAt } = delivery;
    if (claimedUntil !== null && claimedUntil > nowMs) {
      throw later('another attempt is being made', claimedUntil - nowMs);
    }
    if (replayId !== null && endpoint !== 'active') await refuseReplay(db, replayId);
    if (replayId === null && status === 'pending' && nextAt !== null && nextAt > nowMs) {
      throw later('the attempt is not due by this worker’s clock', nextAt - nowMs);
    }
  }

  function sendClaimed(claimed: ClaimedAttempt): Promise<AttemptOutcome> {
    const release = slots.take(claimed.endpointId);
    return makeAttempt(claimed).finally(release);
  }
}

/** A failure that Temporal retries after the given wait, without history. */
function later(message: string, waitMs: number): ApplicationFailure {
  return ApplicationFailure.create({
    message,
    type: 'NotYet',
    category: ApplicationFailureCategory.BENIGN,
    nextRetryDelay: Math.min(Math.max(waitMs, 50), 20_000),
  });
}

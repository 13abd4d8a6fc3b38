import { Counter, Histogram, type Registry } from 'prom-client';
import type { ClaimedAttempt } from '../entities/claim-attempt';
import type { AttemptOutcome } from '../entities/record-attempt';
import type { DeliveryStatus } from '../entities/webhook-delivery';
import { idTime } from '../platform/ids';

/** What a worker counts of its attempts, deliveries and commands. */
export interface DeliveryMetrics {
  attemptMade(claimed: ClaimedAttempt, outcome: AttemptOutcome): void;
  /** Deliveries that an attempt left with this status. */
  recorded(status: DeliveryStatus, count: number): void;
  commandCarried(kind: string, outcome: 'carried' | 'postponed'): void;
}

const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60];

export function createDeliveryMetrics(registry: Registry): DeliveryMetrics {
  const registers = [registry];
  const attempts = new Histogram({
    name: 'secapi_attempt_duration_seconds',
    help: 'Time that an endpoint took to answer an attempt, by outcome and trigger',
    labelNames: ['outcome', 'trigger'],
    buckets: BUCKETS,
    registers,
  });
  const lag = new Histogram({
    name: 'secapi_first_attempt_lag_seconds',
    help: 'Time from publishing an event to the first attempt of a delivery of it',
    buckets: BUCKETS,
    registers,
  });
  const deliveries = new Counter({
    name: 'secapi_deliveries_total',
    help: 'Attempts recorded, by what they left the delivery as: delivered, pending (tried again), failed, cancelled',
    labelNames: ['outcome'],
    registers,
  });
  const commands = new Counter({
    name: 'secapi_commands_total',
    help: 'Commands taken from the outbox, by kind and by whether Temporal took them',
    labelNames: ['kind', 'outcome'],
    registers,
  });
  return {
    attemptMade(claimed, { ok, latencyMs }) {
      const trigger = claimed.replayId === null ? 'schedule' : 'replay';
      attempts.observe({ outcome: ok ? 'ok' : 'failed', trigger }, latencyMs / 1_000);
      if (claimed.attempt > 1) return;
      const lagMs = claimed.claimedAt.getTime() - idTime(claimed.deliveryId);
      lag.observe(Math.max(lagMs, 0) / 1_000);
    },
    recorded: (outcome, count) => deliveries.inc({ outcome }, count),
    commandCarried: (kind, outcome) => commands.inc({ kind, outcome }),
  };
}

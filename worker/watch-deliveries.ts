import type { ClaimedAttempt } from '../entities/claim-attempt';
import type { Recorded } from '../entities/record-attempt';
import type { Log } from '../platform/log';
import type { DeliveryMetrics } from './delivery-metrics';
import type { MakeAttempt } from '../activities/make-attempt';

/** Makes attempts as `makeAttempt` does; each is counted and leaves one line. No URL: it may hold a secret of the customer's. */
export function watchAttempts(
  makeAttempt: MakeAttempt,
  log: Log,
  metrics: DeliveryMetrics,
): MakeAttempt {
  return async (claimed: ClaimedAttempt) => {
    const outcome = await makeAttempt(claimed);
    metrics.attemptMade(claimed, outcome);
    const { deliveryId, attemptId, attempt, replayId, orgId, endpointId, eventId, eventType } =
      claimed;
    const { ok, httpStatus, error, latencyMs } = outcome;
    const ids = { orgId, endpointId, eventId, eventType, deliveryId, attemptId };
    log.info({ ...ids, attempt, replayId, ok, httpStatus, error, latencyMs }, 'attempt made');
    return outcome;
  };
}

/** Counts recorded attempts; a delivery that failed for good leaves a line (one that arrived left the attempt's). */
export function watchRecords(log: Log, metrics: DeliveryMetrics): Recorded {
  return ({ deliveryId, attemptId, labels, httpStatus, error }, status) => {
    metrics.recorded(status, 1);
    if (status !== 'failed') return;
    log.info({ ...labels, deliveryId, attemptId, status, httpStatus, error }, 'delivery ended');
  };
}

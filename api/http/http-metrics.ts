import { Counter, Histogram, type Registry } from 'prom-client';
import { createMetrics } from '../../platform/metrics';

/** What the API counts of its own requests. */
export interface HttpMetrics {
  readonly registry: Registry;
  observe(operation: string, status: number, ms: number): void;
  /** The store of rate limits couldn't be asked, and requests passed uncounted. */
  rateLimitStoreAway(): void;
}

export function createHttpMetrics(): HttpMetrics {
  const registry = createMetrics();
  const durations = new Histogram({
    name: 'secapi_http_request_duration_seconds',
    help: 'Time to answer a request, by operation and status',
    labelNames: ['operation', 'status'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30],
    registers: [registry],
  });
  const storeAway = new Counter({
    name: 'secapi_rate_limit_store_away_total',
    help: 'Draws of rate limit tokens that failed, so that requests passed uncounted',
    registers: [registry],
  });
  return {
    registry,
    rateLimitStoreAway: () => storeAway.inc(),
    observe: (operation, status, ms) => durations.observe({ operation, status }, ms / 1_000),
  };
}

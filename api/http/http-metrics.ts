import { Counter, Histogram, type Registry } from 'prom-client';
import { createMetrics } from '../../platform/metrics';

/** What the API counts of its own requests. */
export interface HttpMetrics {
  readonly registry: Registry;
  observe(operation: string, status: number, ms: number): void;
  /** What the gate said to a request. */
  gateAnswered(verdict: string): void;
  /** A request was answered with a fault. */
  faulted(code: string): void;
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
  const verdicts = new Counter({
    name: 'secapi_gate_verdicts_total',
    help: 'Live requests for usage, by what the gate said: passed, replayed, or the refusal',
    labelNames: ['verdict'],
    registers: [registry],
  });
  const faults = new Counter({
    name: 'secapi_http_faults_total',
    help: 'Requests answered with an error, by its code (rate_limited, internal_error …)',
    labelNames: ['code'],
    registers: [registry],
  });
  return {
    registry,
    gateAnswered: (verdict) => verdicts.inc({ verdict }),
    faulted: (code) => faults.inc({ code }),
    rateLimitStoreAway: () => storeAway.inc(),
    observe: (operation, status, ms) => durations.observe({ operation, status }, ms / 1_000),
  };
}

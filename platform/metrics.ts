import { collectDefaultMetrics, Registry } from 'prom-client';

/** A process's metrics. Each part registers what it counts here; `/metrics` prints it. */
export function createMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'secapi_' });
  return registry;
}

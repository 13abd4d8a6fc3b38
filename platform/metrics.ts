import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';

/** A process's metrics. Each part registers what it counts here; `/metrics` prints it. */
export function createMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'secapi_' });
  return registry;
}

/** What of a connection pool is looked at. */
export interface PoolCounts {
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
}

/** Registers how a process's database connections are used, read whenever the metrics are. */
export function registerPool(registry: Registry, pool: () => PoolCounts | null): void {
  new Gauge({
    name: 'secapi_db_connections',
    help: 'Database connections that this process holds, by state',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      const counts = pool();
      this.set({ state: 'in_use' }, counts ? counts.totalCount - counts.idleCount : 0);
      this.set({ state: 'idle' }, counts?.idleCount ?? 0);
    },
  });
  new Gauge({
    name: 'secapi_db_waiting',
    help: 'Callers in this process that wait for a database connection',
    registers: [registry],
    collect() {
      this.set(pool()?.waitingCount ?? 0);
    },
  });
}

/** Counts spans as they end and as they are exported: what is missing between the two was lost. */
export function createSpanCounters(registry: Registry): {
  ended(spans: number): void;
  exported(spans: number): void;
} {
  const ended = new Counter({
    name: 'secapi_spans_ended_total',
    help: 'Spans of sampled traces that ended in this process',
    registers: [registry],
  });
  const exported = new Counter({
    name: 'secapi_spans_exported_total',
    help: 'Spans that the collector of traces has taken',
    registers: [registry],
  });
  return { ended: (spans) => ended.inc(spans), exported: (spans) => exported.inc(spans) };
}

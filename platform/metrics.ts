import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

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

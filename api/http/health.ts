import type Router from '@koa/router';
import { run, statement } from '../../entities/sql';
import type { HttpMetrics } from './http-metrics';
import type { ApiContext } from './operation';

const READY_MS = 2_000;

const ready = statement<{ temporal: boolean }>(
  'ready',
  `SELECT EXISTS (SELECT FROM worker_heartbeats WHERE temporal = 'up'
     AND seen_at > $1::timestamptz - interval '15 s') AS temporal`,
);

/** `/healthz`: the process lives. `/readyz`: it can serve (Postgres answers). `/metrics`: Prometheus. */
export function mountHealth(router: Router, context: ApiContext, metrics: HttpMetrics): void {
  router.get('/healthz', (ctx) => {
    ctx.body = { status: 'ok' };
  });
  router.get('/readyz', async (ctx) => {
    const temporal = await temporalState(context);
    ctx.status = temporal === null ? 503 : 200;
    if (temporal === null) ctx.set('Retry-After', '1');
    ctx.body = {
      status: temporal === null ? 'not_ready' : 'ready',
      postgres: temporal === null ? 'away' : 'up',
      temporal: temporal ?? 'away',
    };
  });
  router.get('/metrics', async (ctx) => {
    ctx.type = metrics.registry.contentType;
    ctx.body = await metrics.registry.metrics();
  });
}

/** Temporal as the workers see it; null where Postgres doesn't answer in time. */
async function temporalState(context: ApiContext): Promise<'up' | 'away' | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), READY_MS);
  });
  if (!context.db.isInitialized) return null;
  try {
    const asked = run(context.db, ready, [context.clock.now()]).then(([row]) =>
      row?.temporal ? ('up' as const) : ('away' as const),
    );
    return await Promise.race([asked, late]);
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}

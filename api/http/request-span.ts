import type { Context } from 'koa';
import type { Fault } from '../../platform/fault';
import type { Span, Tracer } from '../../platform/trace';
import { HEALTH_PATHS } from './health-paths';
import { callersTraceparent, type RequestState } from './request-state';

/**
 * Opens the span of a request, in the caller's trace where it named one; undefined while traces are off, and for
 * probes. No query: it may hold a token.
 */
export function startRequestSpan(tracer: Tracer | null, ctx: Context): Span | undefined {
  if (!tracer || ctx.path in HEALTH_PATHS) return undefined;
  return tracer.start(ctx.method, {
    kind: 'server',
    parent: callersTraceparent(ctx.req.headers),
    attributes: { 'http.request.method': ctx.method, 'url.scheme': ctx.protocol },
  });
}

/** Ends the span of a request: named after its route, failed where the fault is ours. */
export function endRequestSpan(
  span: Span | undefined,
  ctx: Context,
  { requestId, principal }: RequestState,
  failure: Fault | undefined,
): void {
  if (!span) return;
  const route = (ctx as Context & { _matchedRoute?: unknown })._matchedRoute;
  const failed = ctx.status >= 500;
  span.end({
    name: typeof route === 'string' ? `${ctx.method} ${route}` : undefined,
    failed,
    attributes: {
      'http.route': typeof route === 'string' ? route : undefined,
      'url.path': typeof route === 'string' ? ctx.path : undefined,
      'http.response.status_code': ctx.status,
      'error.type': failed ? (failure?.code ?? String(ctx.status)) : undefined,
      'secapi.fault.code': failure?.code,
      'secapi.request.id': requestId,
      'secapi.org.id': principal?.orgId,
    },
  });
}

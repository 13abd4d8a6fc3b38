import Router from '@koa/router';
import Koa, { type Context } from 'koa';
import helmet from 'koa-helmet';
import { Fault } from '../platform/fault';
import { within } from '../platform/trace';
import { setAnswerHeaders } from './http/answer-headers';
import { asFault, errorBody } from './http/error-body';
import { mountHealth } from './http/health';
import type { HttpMetrics } from './http/http-metrics';
import { openApiDocument } from './http/openapi';
import { docsPage } from './http/docs-page';
import type { AnyOperation, ApiContext } from './http/operation';
import { endRequestSpan, startRequestSpan } from './http/request-span';
import { requestIdOf, traceparentOf, type RequestState } from './http/request-state';
import { runOperation } from './http/run-operation';
import { mountAcceptInvitation } from './pages/accept-invitation';
import { mountCheckoutReturn } from './pages/checkout-return';
import { mountDecideApproval } from './pages/decide-approval';

/** The whole API as a Koa app: the frame around every operation. Does no I/O of its own until a request comes. */
export function createApp(
  context: ApiContext,
  operations: readonly AnyOperation[],
  metrics: HttpMetrics,
): Koa {
  const app = new Koa();
  app.proxy = false;
  app.silent = true;
  app.use(helmet({ contentSecurityPolicy: { directives: { defaultSrc: ["'none'"] } } }));
  app.use(frame(context, metrics));
  const router = new Router();
  mountHealth(router, context, metrics);
  mountDocs(router, context, operations);
  mountAcceptInvitation(router, context);
  mountDecideApproval(router, context);
  mountCheckoutReturn(router, context);
  for (const operation of operations) {
    router[operation.method](operation.path, (ctx: Context) =>
      runOperation(
        context,
        operation,
        ctx,
        (ctx as Context & { params: Record<string, string> }).params,
      ),
    );
  }
  app.use(router.routes());
  app.use(refuseUnrouted);
  return app;
}

/** What no route took: 405 with Allow where the path is known, else 404; both before anybody is asked for a key. */
function refuseUnrouted(ctx: Context): never {
  const matched = (ctx as Context & { matched?: { methods: string[] }[] }).matched ?? [];
  const methods = [...new Set(matched.flatMap((layer) => layer.methods))];
  if (methods.length > 0) {
    ctx.set('Allow', methods.join(', '));
    throw new Fault('method_not_allowed');
  }
  throw new Fault('not_found', {
    message: 'There is no such path.',
    hint: 'GET /openapi.json lists every operation.',
  });
}

/** Outermost: names the request, answers failures, sets headers, writes one line. */
function frame(context: ApiContext, metrics: HttpMetrics): Koa.Middleware {
  return async (ctx, next) => {
    const state = ctx.state as RequestState;
    state.requestId = requestIdOf(ctx.req.headers);
    const span = startRequestSpan(context.tracer, ctx);
    state.traceparent = span?.traceparent ?? traceparentOf(ctx.req.headers);
    const startedAt = performance.now();
    let failure: Fault | undefined;
    try {
      await within(span, next);
    } catch (error) {
      failure = faultOf(error);
      answerFault(ctx, failure, context);
    }
    setAnswerHeaders(ctx, state, context.catalog);
    const ms = performance.now() - startedAt;
    metrics.observe(state.operation ?? 'none', ctx.status, ms);
    if (failure) metrics.faulted(failure.code);
    noteRequest(context, ctx, state, ms);
    logRequest(context, ctx, state, ms, failure);
    endRequestSpan(span, ctx, state, failure);
  };
}

function faultOf(error: unknown): Fault {
  if (error instanceof URIError) return new Fault('not_found');
  const status = (error as { status?: unknown } | null)?.status;
  if (!(error instanceof Fault) && status === 400)
    return new Fault('invalid_request', { cause: error });
  return asFault(error);
}

function answerFault(ctx: Context, fault: Fault, context: ApiContext): void {
  const { requestId, traceparent } = ctx.state as RequestState;
  ctx.status = fault.status;
  ctx.type = 'application/json; charset=utf-8';
  ctx.body = JSON.stringify(
    errorBody(fault, { requestId, traceparent, publicUrl: context.config.PUBLIC_URL }),
  );
  if (fault.retryAfterSeconds !== undefined)
    ctx.set('Retry-After', String(fault.retryAfterSeconds));
  if (fault.status === 401) {
    const metadata = `${context.config.PUBLIC_URL}/.well-known/oauth-protected-resource`;
    ctx.set('WWW-Authenticate', `Bearer resource_metadata="${metadata}"`);
  }
  if (fault.code === 'payload_too_large') ctx.set('Connection', 'close');
}

/** Leaves the usage record of a request whose caller is known. */
function noteRequest(context: ApiContext, ctx: Context, state: RequestState, ms: number): void {
  const { principal } = state;
  if (!principal) return;
  context.requestLog.note({
    recordedAt: context.clock.now(),
    requestId: state.requestId,
    orgId: principal.orgId,
    livemode: principal.livemode,
    principalId: principal.principalId,
    authMode: principal.authMode,
    meterClass: state.meterClass ?? 'control_plane',
    method: ctx.method,
    path: ctx.path.slice(0, 500).replaceAll('\u0000', ''),
    status: ctx.status,
    latencyMs: Math.round(ms),
  });
}

function logRequest(
  context: ApiContext,
  ctx: Context,
  state: RequestState,
  ms: number,
  failure: Fault | undefined,
): void {
  const line = {
    operation: state.operation ?? null,
    method: ctx.method,
    path: ctx.path,
    status: ctx.status,
    ms: Math.round(ms * 10) / 10,
    requestId: state.requestId,
    orgId: state.principal?.orgId,
    principalId: state.principal?.principalId,
    code: failure?.code,
  };
  if (failure && failure.status >= 500)
    context.log.error({ ...line, err: failure.cause ?? failure }, 'request failed');
  else context.log.info(line, 'request');
}

function mountDocs(router: Router, context: ApiContext, operations: readonly AnyOperation[]): void {
  const document = openApiDocument(operations, context.config.PUBLIC_URL);
  const page = docsPage(document);
  router.get('/openapi.json', (ctx) => {
    ctx.body = document;
  });
  router.get('/docs', (ctx) => {
    ctx.type = 'text/html; charset=utf-8';
    ctx.set(
      'Content-Security-Policy',
      "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    );
    ctx.body = page;
  });
}

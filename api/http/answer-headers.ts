import type { Context } from 'koa';
import type { Catalog } from '../../catalog/load-catalog';
import { centsFromMicros, dollarsFromMicros } from '../../platform/money';
import { API_VERSION, type RequestState } from './request-state';

/** Sets the contract's response headers: the request's own, and the organization's figures where one is known. */
export function setAnswerHeaders(ctx: Context, state: RequestState, catalog: Catalog): void {
  ctx.set('Request-Id', state.requestId);
  ctx.set('SECAPI-Version', API_VERSION);
  ctx.set('traceparent', state.traceparent);
  const { principal } = state;
  if (!principal) return;
  const meterClass = state.meterClass ?? 'control_plane';
  const failed = ctx.status >= 400;
  const plan = catalog.plan(principal.planKey);
  const cost =
    failed || !principal.livemode || !plan ? 0n : catalog.unitMicros(plan.key, meterClass);
  const grant = plan?.grantCalls ?? 0;
  ctx.set('SECAPI-Meter-Class', meterClass);
  ctx.set('SECAPI-Plan-Key', principal.planKey);
  ctx.set('SECAPI-Billing-State', principal.billingState);
  ctx.set('SECAPI-Estimated-Cost', dollarsFromMicros(cost));
  ctx.set('SECAPI-Free-Grant-Remaining', String(Math.max(grant - principal.grantUsed, 0)));
  ctx.set('SECAPI-Budget-Used', String(centsFromMicros(principal.accruedMicros)));
  ctx.set('SECAPI-Maturity', 'stable');
}

import type { Catalog } from '../catalog/load-catalog';

/** What a unit of a meter class costs on a plan, and what of the plan covers it. */
export interface Price {
  readonly meterClass: string;
  readonly family: string;
  readonly planKey: string;
  readonly rateCard: string;
  /** Micro-dollars a unit; 0 where a grant or quota covers it. */
  readonly unitMicros: bigint;
  /** Calls a month that the plan's free grant holds, where this class draws on one. */
  readonly grantCalls: number | null;
  /** Units a month that the plan's quota holds, where this class draws on one. */
  readonly quotaUnits: number | null;
}

/** Prices a meter class on a plan. The plan's grant and quota cover what they take in: it is counted, not charged. */
export function priceUsage(catalog: Catalog, planKey: string, meterClass: string): Price {
  const plan = catalog.plan(planKey);
  const family = catalog.meterClass(meterClass)?.family;
  if (!plan || family === undefined) throw new Error(`no price for ${meterClass} on ${planKey}`);
  const rate = catalog.unitMicros(planKey, meterClass);
  const grantCalls = plan.kind === 'grant' && rate > 0n ? plan.grantCalls : null;
  const quotaUnits = family === catalog.quotaFamilies.ai_queries ? plan.quotas.ai_queries : null;
  const covered = grantCalls !== null || quotaUnits !== null;
  return {
    meterClass,
    family,
    planKey,
    rateCard: catalog.rateCardVersion,
    unitMicros: covered ? 0n : rate,
    grantCalls,
    quotaUnits,
  };
}

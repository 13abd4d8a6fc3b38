import { z } from 'zod';
import type { Catalog } from '../../catalog/load-catalog';
import type { Plan } from '../../catalog/schema';
import { usdFromMicros } from '../../platform/money';

export const familyPrice = z.object({
  key: z.string(),
  displayName: z.string(),
  description: z.string(),
  paygUnitAmountUsd: z.number(),
  unitAmountUsd: z.number(),
  discount: z.number(),
});

export const planReply = z.object({
  key: z.string(),
  displayName: z.string(),
  public: z.boolean(),
  kind: z.enum(['grant', 'metered', 'subscription', 'contract']),
  rightsKey: z.string(),
  checkoutMode: z.enum(['none', 'setup', 'subscription', 'sales']),
  monthlyPriceUsd: z.number().nullable(),
  annualPriceUsd: z.number().nullable(),
  monthlyPriceFloorUsd: z.number().nullable(),
  annualContractFloorUsd: z.number().nullable(),
  annualDiscountPercent: z.number(),
  seatsIncluded: z.int(),
  apiKeysIncluded: z.int(),
  requestsPerMinute: z.int(),
  monthlyQuotas: z.object({ ai_queries: z.int().nullable() }),
  features: z.array(z.string()),
  meterFamilyPrices: z.array(familyPrice),
});

/** What each family costs on a plan, beside what it costs without one. `discount` is a percentage. */
export function familyPrices(catalog: Catalog, plan: Plan): z.input<typeof familyPrice>[] {
  return catalog.meterFamilies
    .filter(({ key }) => key !== 'control_plane')
    .map((family) => ({
      key: family.key,
      displayName: family.displayName,
      description: family.description,
      paygUnitAmountUsd: Number(family.unitAmountUsd),
      unitAmountUsd: usdFromMicros(catalog.familyMicros(plan.key, family.key)),
      discount: Number(plan.discountPercent),
    }));
}

export function presentPlan(catalog: Catalog, plan: Plan): z.input<typeof planReply> {
  const { quotas, discountPercent: _off, prices: _prices, grantCalls: _calls, ...rest } = plan;
  return { ...rest, monthlyQuotas: quotas, meterFamilyPrices: familyPrices(catalog, plan) };
}

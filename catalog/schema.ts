import { z } from 'zod';

const key = z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, 'must be snake_case');
const usd = z
  .string()
  .regex(/^\d{1,9}(\.\d{1,6})?$/, 'must be a decimal with at most six decimals');
const price = z.number().nonnegative().nullable();

const plan = z.strictObject({
  key,
  displayName: z.string().min(1),
  public: z.boolean(),
  kind: z.enum(['grant', 'metered', 'subscription', 'contract']),
  rightsKey: key,
  checkoutMode: z.enum(['none', 'setup', 'subscription', 'sales']),
  monthlyPriceUsd: price,
  annualPriceUsd: price,
  monthlyPriceFloorUsd: price,
  annualContractFloorUsd: price,
  annualDiscountPercent: z.number().min(0).max(100),
  seatsIncluded: z.int().min(1),
  apiKeysIncluded: z.int().min(1),
  requestsPerMinute: z.int().min(1),
  /** Calls a UTC month that cost nothing. */
  grantCalls: z.int().min(0),
  /** What a month includes of a family; null: pay per call. */
  quotas: z.object({ ai_queries: z.int().min(0).nullable() }),
  /** Off every metered unit, in percent. */
  discountPercent: z.string().regex(/^\d{1,3}(\.\d{1,2})?$/, 'must be a percentage'),
  features: z.array(z.string()),
  /** Stripe lookup keys by interval. */
  prices: z.partialRecord(z.enum(['month', 'year']), z.string().min(1)),
});

/** The form of the catalogue file: what an operator sells. Rates are decimal strings in USD. */
export const catalogFile = z.strictObject({
  rateCardVersion: z.string().min(1),
  contactUrl: z.url(),
  plans: z.array(plan).min(1),
  meterFamilies: z
    .array(
      z.strictObject({
        key,
        displayName: z.string().min(1),
        description: z.string(),
        unitAmountUsd: usd,
      }),
    )
    .min(1),
  meterClasses: z.array(z.strictObject({ key, family: key, routes: z.array(z.string()) })).min(1),
  /** The meter family that a plan's quota of this name takes in. */
  quotaFamilies: z.object({ ai_queries: key }),
  eventTypes: z
    .array(
      z.strictObject({
        type: z
          .string()
          .regex(/^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$/, 'must be dotted snake_case'),
        producible: z.boolean(),
      }),
    )
    .min(1),
});

export type CatalogFile = z.output<typeof catalogFile>;
export type Plan = CatalogFile['plans'][number];
export type MeterFamily = CatalogFile['meterFamilies'][number];
export type MeterClass = CatalogFile['meterClasses'][number];

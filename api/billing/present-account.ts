import { z } from 'zod';
import type { Catalog } from '../../catalog/load-catalog';
import type { Plan } from '../../catalog/schema';
import { billingCustomer } from '../../entities/billing-customer';
import { readPeriod, type BudgetPeriod } from '../../entities/budget-period';
import { Organization } from '../../entities/organization';
import type { Executor } from '../../entities/sql';
import { currentSubscription } from '../../entities/subscription';
import { invoicePeriod } from '../../platform/clock';
import { timestamp } from '../http/schemas';
import { budgetReply, presentBudget } from './present-budget';
import {
  customerReply,
  presentCustomer,
  presentSubscription,
  subscriptionReply,
} from './present-customer';
import { familyPrice, familyPrices, planReply, presentPlan } from './present-plan';

const quota = z.object({
  family: z.string(),
  limit: z.int().nullable(),
  used: z.int(),
  remaining: z.int().nullable(),
  resetAt: timestamp,
  graceUntil: timestamp.nullable(),
});

export const accountReply = z.object({
  object: z.literal('billing_account'),
  orgId: z.string(),
  livemode: z.boolean(),
  customer: customerReply.nullable(),
  subscription: subscriptionReply.nullable(),
  effectivePlanKey: z.string(),
  billingState: z.string(),
  publicPlanKey: z.string(),
  rightsKey: z.string(),
  freeGrantTotal: z.int(),
  freeGrantUsed: z.int(),
  freeGrantRemaining: z.int(),
  cardOnFile: z.boolean(),
  cardRequired: z.boolean(),
  rateCardVersion: z.string(),
  meterFamilyPrices: z.array(familyPrice),
  nextRecommendedPlan: z.string().nullable(),
  plans: z.array(planReply),
  settlement: z.object({
    provider: z.literal('stripe'),
    status: z.string(),
    externalAccountId: z.string().nullable(),
    metadata: z.record(z.string(), z.unknown()),
    createdAt: timestamp.nullable(),
    updatedAt: timestamp.nullable(),
  }),
  budget: budgetReply,
  monthlyQuotas: z.object({ ai_queries: quota }),
  requestId: z.string().optional(),
});

/** Everything about an organization's billing, as one object: plan, grant, quotas, budget, prices. */
export async function presentAccount(
  db: Executor,
  catalog: Catalog,
  at: { readonly orgId: string; readonly livemode: boolean; readonly now: Date },
): Promise<z.input<typeof accountReply>> {
  const { orgId, livemode, now } = at;
  const organization = await db.getRepository(Organization).findOneByOrFail({ id: orgId });
  const period = await readPeriod(db, orgId, invoicePeriod(now));
  const customer = await billingCustomer(db, orgId);
  const subscription = await currentSubscription(db, orgId);
  const { planKey } = organization;
  const plan = catalog.plan(planKey);
  if (!plan) throw new Error(`the catalogue has no plan ${planKey}, which ${orgId} is on`);
  const state = organization.suspendedAt ? 'restricted_read_only' : organization.billingState;
  return {
    object: 'billing_account',
    orgId,
    livemode,
    customer: customer && presentCustomer(customer, orgId),
    subscription: subscription && presentSubscription(subscription),
    effectivePlanKey: planKey,
    billingState: state,
    publicPlanKey: planKey,
    rightsKey: plan.rightsKey,
    freeGrantTotal: plan.grantCalls,
    freeGrantUsed: period.grantUsed,
    freeGrantRemaining: Math.max(plan.grantCalls - period.grantUsed - period.grantHeld, 0),
    cardOnFile: organization.cardOnFile,
    cardRequired: plan.checkoutMode === 'setup' && !organization.cardOnFile,
    rateCardVersion: catalog.rateCardVersion,
    meterFamilyPrices: familyPrices(catalog, plan),
    nextRecommendedPlan: nextPlan(catalog, plan),
    plans: catalog.plans
      .filter((known) => known.public)
      .map((known) => presentPlan(catalog, known)),
    settlement: {
      provider: 'stripe',
      status: customer ? 'connected' : 'not_connected',
      externalAccountId: customer?.stripeCustomerId ?? null,
      metadata: {},
      createdAt: customer?.createdAt.toISOString() ?? null,
      updatedAt: customer?.updatedAt.toISOString() ?? null,
    },
    budget: presentBudget(period, now),
    monthlyQuotas: { ai_queries: presentQuota(plan, period) },
  };
}

function presentQuota(plan: Plan, period: BudgetPeriod): z.input<typeof quota> {
  const limit = plan.quotas.ai_queries;
  const used = Number(period.aiQueriesUsed);
  const [year = 0, month = 1] = period.period.split('-').map(Number);
  return {
    family: 'ai_queries',
    limit,
    used,
    remaining: limit === null ? null : Math.max(limit - used, 0),
    resetAt: new Date(Date.UTC(year, month, 1)).toISOString(),
    graceUntil: null,
  };
}

/** The next larger public plan, in the catalogue's order. */
function nextPlan(catalog: Catalog, plan: Plan): string | null {
  const open = catalog.plans.filter((known) => known.public || known === plan);
  return open[open.indexOf(plan) + 1]?.key ?? null;
}

import { z } from 'zod';
import { operation } from '../http/operation';
import { planReply, presentPlan } from './present-plan';

export const getRates = operation({
  name: 'getRates',
  method: 'get',
  path: '/v1/billing/rates',
  summary: 'Show the rate card: plans, meter families and what belongs to them',
  tag: 'billing',
  scope: 'public',
  transaction: 'none',
  input: z.object({}),
  reply: z.object({
    object: z.literal('billing_rates'),
    rateCardVersion: z.string(),
    plans: z.array(planReply),
    meterFamilies: z.array(
      z.object({
        key: z.string(),
        displayName: z.string(),
        description: z.string(),
        unitAmountUsd: z.number(),
      }),
    ),
    meterClasses: z.array(
      z.object({ meterClass: z.string(), family: z.string(), routes: z.array(z.string()) }),
    ),
  }),
  async handle({ context: { catalog } }) {
    return {
      object: 'billing_rates' as const,
      rateCardVersion: catalog.rateCardVersion,
      plans: catalog.plans.filter((plan) => plan.public).map((plan) => presentPlan(catalog, plan)),
      meterFamilies: catalog.meterFamilies.map((family) => ({
        ...family,
        unitAmountUsd: Number(family.unitAmountUsd),
      })),
      meterClasses: catalog.meterClasses.map(({ key, family, routes }) => ({
        meterClass: key,
        family,
        routes,
      })),
    };
  },
});

import { z } from 'zod';
import { Fault, invalidInput } from '../../platform/fault';
import { operation, type ApiContext } from '../http/operation';
import {
  beginCheckout,
  checkoutReply,
  planOf,
  presentCheckout,
  requireLiveBuyer,
} from './open-checkout';
import { returnUrl } from './return-urls';

const url = z.string().max(2_048).nullish();

export const createCheckout = operation({
  name: 'createCheckout',
  method: 'post',
  path: '/v1/billing/checkout',
  summary: 'Begin to buy a plan: open the answered URL, and the plan follows the payment by itself',
  tag: 'billing',
  scope: 'billing:manage',
  transaction: 'own',
  input: z.object({
    planKey: z.string().max(64),
    interval: z.enum(['month', 'year']).nullish(),
    seats: z.int().min(1).max(10_000).nullish(),
    successUrl: url,
    cancelUrl: url,
  }),
  reply: checkoutReply,
  async handle({ input, caller, context, requestId }) {
    requireLiveBuyer(caller);
    const { planKey } = input;
    const successUrl = returnUrl(context, 'successUrl', input.successUrl);
    const cancelUrl = returnUrl(context, 'cancelUrl', input.cancelUrl);
    const plan = purchasable(context, planKey, await planOf(context, caller.orgId));
    const mode = plan.checkoutMode === 'setup' ? 'setup' : 'subscription';
    const interval = mode === 'setup' ? null : (input.interval ?? 'month');
    if (interval !== null && !plan.prices[interval]) {
      throw invalidInput('interval', `${planKey} is not sold by the ${interval}`);
    }
    const seats = input.seats ?? 1;
    const wish = { mode, planKey, interval, seats, successUrl, cancelUrl } as const;
    return presentCheckout(await beginCheckout(context, caller, requestId, wish));
  },
});

/** A plan that can be bought by whoever is on `current`. Throws what says why not. */
function purchasable({ catalog }: ApiContext, planKey: string, current: string) {
  const plan = catalog.plan(planKey);
  if (!plan) throw invalidInput('planKey', 'is no plan of the catalogue');
  if (plan.checkoutMode === 'sales') {
    throw new Fault('feature_not_in_plan', {
      message: `${plan.displayName} is sold by contract.`,
      hint: 'Talk to us: details.contactUrl.',
      details: { contactUrl: catalog.contactUrl },
    });
  }
  const rank = (key: string): number => catalog.plans.findIndex((known) => known.key === key);
  if (plan.checkoutMode === 'none' || rank(planKey) <= rank(current)) {
    throw new Fault('conflict', {
      message: `The organization is on ${current} already.`,
      hint: 'Plans are changed in the portal: POST /v1/billing/portal.',
      details: { planKey: current },
    });
  }
  return plan;
}

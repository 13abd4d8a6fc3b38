import { z } from 'zod';
import { customerOf } from '../../entities/billing-customer';
import { Fault } from '../../platform/fault';
import { operation } from '../http/operation';
import { askingStripe, requireLiveBuyer, requireStripe } from './open-checkout';
import { returnUrl } from './return-urls';

export const openPortal = operation({
  name: 'openPortal',
  method: 'post',
  path: '/v1/billing/portal',
  summary: 'Open Stripe’s portal, where plan, card and invoices are changed',
  tag: 'billing',
  scope: 'billing:manage',
  transaction: 'own',
  input: z.object({ returnUrl: z.string().max(2_048).nullish() }),
  reply: z.object({
    object: z.literal('billing_portal_session'),
    id: z.string(),
    orgId: z.string(),
    url: z.string(),
    livemode: z.boolean(),
  }),
  async handle({ tx, input, caller, context }) {
    requireLiveBuyer(caller);
    const stripe = requireStripe(context);
    const back = returnUrl(context, 'returnUrl', input.returnUrl);
    const customer = await customerOf(tx, caller.orgId, stripe.livemode);
    if (customer === null) {
      throw new Fault('conflict', {
        message: 'The organization has bought nothing yet.',
        hint: 'Begin with POST /v1/billing/checkout.',
      });
    }
    const { id, url } = await askingStripe(context, () => stripe.openPortal(customer, back));
    return {
      object: 'billing_portal_session' as const,
      id,
      orgId: caller.orgId,
      url,
      livemode: true,
    };
  },
});

import { z } from 'zod';
import { Fault } from '../../platform/fault';
import { operation } from '../http/operation';
import {
  beginCheckout,
  checkoutReply,
  planOf,
  presentCheckout,
  requireLiveBuyer,
} from './open-checkout';
import { returnUrl } from './return-urls';

const url = z.string().max(2_048).nullish();

export const activatePayg = operation({
  name: 'activatePayg',
  method: 'post',
  path: '/v1/billing/payg/activate',
  summary: 'Put a card on file and pay as you go',
  tag: 'billing',
  scope: 'billing:manage',
  transaction: 'own',
  input: z.object({ successUrl: url, cancelUrl: url }),
  reply: checkoutReply,
  async handle({ input, caller, context, requestId }) {
    requireLiveBuyer(caller);
    const current = await planOf(context, caller.orgId);
    const isPending = caller.billingState === 'payg_pending_card';
    if (current !== 'sandbox_grant' && !isPending) {
      throw new Fault('conflict', {
        message: `The organization is on ${current} already.`,
        hint: 'Cards are changed in the portal: POST /v1/billing/portal.',
        details: { planKey: current },
      });
    }
    const wish = {
      mode: 'setup',
      planKey: 'payg',
      interval: null,
      seats: 1,
      successUrl: returnUrl(context, 'successUrl', input.successUrl),
      cancelUrl: returnUrl(context, 'cancelUrl', input.cancelUrl),
    } as const;
    return presentCheckout(await beginCheckout(context, caller, requestId, wish));
  },
});

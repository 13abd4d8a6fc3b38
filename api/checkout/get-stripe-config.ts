import { z } from 'zod';
import { operation } from '../http/operation';

export const getStripeConfig = operation({
  name: 'getStripeConfig',
  method: 'get',
  path: '/v1/billing/stripe-config',
  summary: 'Show the key that a page of yours may use with Stripe',
  tag: 'billing',
  scope: ['billing:read', 'billing:manage', 'read:sec'],
  transaction: 'none',
  input: z.object({}),
  reply: z.object({
    object: z.literal('stripe_config'),
    publishableKey: z.string().nullable(),
    livemode: z.boolean(),
  }),
  async handle({ caller, context: { config } }) {
    return {
      object: 'stripe_config' as const,
      publishableKey: config.STRIPE_PUBLISHABLE_KEY || null,
      livemode: caller.livemode,
    };
  },
});

import { z } from 'zod';
import { isRelevant, storeStripeEvent } from '../../entities/stripe-event';
import { Fault } from '../../platform/fault';
import { operation } from '../http/operation';
import { requireStripe } from './open-checkout';

const MOST_BYTES = 512 * 1_024;

export const receiveStripeEvent = operation({
  name: 'receiveStripeEvent',
  method: 'post',
  path: '/v1/billing/webhooks/stripe',
  summary:
    'Take an event that Stripe signed: stored first, acted on afterwards, from what Stripe itself answers',
  tag: 'billing',
  scope: 'public',
  transaction: 'one',
  maxBytes: MOST_BYTES,
  input: z.object({}),
  reply: z.object({
    object: z.literal('billing_webhook_result'),
    eventId: z.string(),
    duplicate: z.boolean(),
    status: z.enum(['processed', 'ignored', 'duplicate']),
  }),
  async handle({ tx, headers, bodyText, now, context, afterCommit }) {
    const signature = headers['stripe-signature'];
    const stripe = requireStripe(context);
    const event = stripe.verifyEvent(
      bodyText,
      typeof signature === 'string' ? signature : undefined,
    );
    if (!event) {
      throw new Fault('invalid_request', {
        message: 'The signature is missing, wrong or older than five minutes.',
        hint: 'Check STRIPE_WEBHOOK_SECRET and that the body arrives unchanged.',
        details: { issues: [{ path: 'Stripe-Signature', message: 'does not verify' }] },
      });
    }
    const object = 'billing_webhook_result' as const;
    const { id: eventId } = event;
    if (!isRelevant(event.type)) {
      return { object, eventId, duplicate: false, status: 'ignored' as const };
    }
    if (event.livemode !== stripe.livemode) {
      context.countIgnored('other_mode');
      context.log.warn({ event: eventId, livemode: event.livemode }, 'an event of the other mode');
      return { object, eventId, duplicate: false, status: 'ignored' as const };
    }
    const isNew = await storeStripeEvent(tx, event, 'webhook', now);
    if (!isNew) return { object, eventId, duplicate: true, status: 'duplicate' as const };
    afterCommit(() => context.wake('command'));
    return { object, eventId, duplicate: false, status: 'processed' as const };
  },
});

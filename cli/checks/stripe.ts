import { readStripeArrivals, SWEPT_TYPES } from '../../entities/stripe-event';
import { readWorkFigures } from '../../entities/work-figures';
import { createStripePort } from '../../integrations/stripe';
import { messageOf } from '../../platform/message-of';
import { duration, fault, ok, warning, type Check, type Finding } from './check';

const LATE_S = 300;

export const stripeChecks: readonly Check[] = [
  {
    name: 'stripe',
    needs: ['config'],
    async run({ config, now }) {
      if (!config) return [];
      if (config.STRIPE_SECRET_KEY === '') return [ok('no key is set: nothing can be bought')];
      const found: Finding[] = [];
      const isTest = /^(sk|rk)_test_/.test(config.STRIPE_SECRET_KEY);
      if (isTest && config.ENVIRONMENT === 'production')
        found.push(
          warning(
            'STRIPE_SECRET_KEY is a test key in production',
            'Set the live key and the live endpoint’s webhook secret.',
          ),
        );
      const stripe = createStripePort({
        secretKey: config.STRIPE_SECRET_KEY,
        apiUrl: config.STRIPE_API_URL,
        webhookSecret: config.STRIPE_WEBHOOK_SECRET,
      });
      try {
        await stripe.eventsBetween({ since: now(), before: null, types: SWEPT_TYPES, most: 1 });
      } catch (error) {
        const reason = messageOf(error);
        found.push(
          fault(
            `Stripe does not answer: ${reason}`,
            'Check STRIPE_SECRET_KEY, and that the server may reach api.stripe.com.',
          ),
        );
      }
      return found.length > 0 ? found : [ok(`Stripe answers, in ${isTest ? 'test' : 'live'} mode`)];
    },
  },
  {
    name: 'stripe events',
    needs: ['config', 'migrated'],
    async run({ config, db, now }) {
      if (!config || !db || config.STRIPE_SECRET_KEY === '') return [];
      const found: Finding[] = [];
      const { stripeInbox } = await readWorkFigures(db, now());
      if (stripeInbox.ageSeconds > LATE_S)
        found.push(
          fault(
            `${stripeInbox.depth} event(s) of Stripe wait, the oldest for ${duration(stripeInbox.ageSeconds)}: ${stripeInbox.lastOutcome ?? 'not tried yet'}`,
            'A worker acts on them: see `workers`, and the reason.',
          ),
        );
      const arrivals = await readStripeArrivals(db, now());
      if (arrivals.bySweep > 0 && arrivals.byWebhook === 0)
        found.push(
          warning(
            `the last day’s ${arrivals.bySweep} event(s) of Stripe were found by the sweep alone: its webhooks do not arrive`,
            `Point the endpoint at Stripe to ${config.PUBLIC_URL}/v1/billing/webhooks/stripe and compare its signing secret.`,
          ),
        );
      if (found.length > 0) return found;
      return [
        ok(
          `${arrivals.byWebhook} by webhook and ${arrivals.bySweep} by sweep in a day; ${stripeInbox.depth} wait`,
        ),
      ];
    },
  },
];

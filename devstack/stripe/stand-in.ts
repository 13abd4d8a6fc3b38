import { createHash } from 'node:crypto';
import { join } from 'node:path';

/** The stand-in for Stripe in a stack: where it listens, what it reads itself, and what it shares with API and worker. */
export interface StandIn {
  readonly url: string;
  readonly env: Readonly<
    Record<
      'STRIPE_SECRET_KEY' | 'STRIPE_PUBLISHABLE_KEY' | 'STRIPE_WEBHOOK_SECRET' | 'STRIPE_API_URL',
      string
    >
  >;
  readonly own: Readonly<Record<string, string>>;
}

/** Null where the key of a real account is set: then nothing of the stand-in is started or told to anybody. */
export function standInForStripe(of: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly port: number;
  readonly folder: string;
  readonly secretsKey: string;
  readonly apiUrl: string;
}): StandIn | null {
  if (of.env['STRIPE_SECRET_KEY']) return null;
  const url = `http://127.0.0.1:${of.port}`;
  const secret = createHash('sha256').update(`stripe ${of.secretsKey}`).digest('hex');
  return {
    url,
    env: {
      STRIPE_SECRET_KEY: 'sk_test_of_the_dev_stack',
      STRIPE_PUBLISHABLE_KEY: 'pk_test_of_the_dev_stack',
      STRIPE_WEBHOOK_SECRET: `whsec_${secret}`,
      STRIPE_API_URL: url,
    },
    own: {
      STRIPE_PORT: String(of.port),
      STRIPE_FILE: join(of.folder, 'stripe.json'),
      STRIPE_WEBHOOK_URL: `${of.apiUrl}/v1/billing/webhooks/stripe`,
    },
  };
}

import { readFileSync } from 'node:fs';

type Environment = Readonly<Record<string, string | undefined>>;

/** The process's environment; where it names no database, the running dev stack's settings beside it. */
export function stackEnvironment(env: Environment = process.env): Environment {
  if (env['DATABASE_URL']) return env;
  try {
    const stack = JSON.parse(readFileSync('.local/stack.json', 'utf8')) as Record<string, string>;
    return {
      DATABASE_URL: stack['databaseUrl'],
      TEMPORAL_ADDRESS: stack['temporalAddress'],
      TEMPORAL_NAMESPACE: stack['temporalNamespace'],
      PUBLIC_URL: stack['apiUrl'],
      SECRETS_KEY: readFileSync('.local/secrets-key', 'utf8').trim(),
      ALLOW_PRIVATE_DESTINATIONS: 'true',
      MAIL_FOLDER: '.local/mail',
      ...(stack['stripeUrl']
        ? {
            STRIPE_SECRET_KEY: 'sk_test_of_the_dev_stack',
            STRIPE_WEBHOOK_SECRET: stack['stripeWebhookSecret'],
            STRIPE_API_URL: stack['stripeUrl'],
          }
        : {}),
      ...env,
    };
  } catch {
    return env;
  }
}

import { fault, ok, warning, type Check, type Finding } from './check';

const LOOPBACK = /^https?:\/\/(127\.0\.0\.1|localhost|\[::1\])(:|\/|$)/;

export const environmentChecks: readonly Check[] = [
  {
    name: 'environment',
    run: ({ configFaults }) =>
      configFaults === null
        ? [ok('every setting can be read, the catalogue too')]
        : [
            fault(
              configFaults,
              'Set these variables as .env.example says; API and worker need the same ones.',
            ),
          ],
  },
  {
    name: 'settings',
    needs: ['config'],
    run({ config }) {
      if (!config) return [];
      const found: Finding[] = [];
      const isPublic = !LOOPBACK.test(config.PUBLIC_URL);
      if (isPublic && config.ALLOW_PRIVATE_DESTINATIONS)
        found.push(
          fault(
            'webhooks may go to private addresses, though callers reach the API from outside',
            'Set ALLOW_PRIVATE_DESTINATIONS=false: else customers can make the server ask your own network.',
          ),
        );
      if (isPublic && config.PUBLIC_URL.startsWith('http:'))
        found.push(
          warning(
            'PUBLIC_URL is not https: keys travel in the clear',
            'Put TLS before the API and name it in PUBLIC_URL.',
          ),
        );
      if (config.SMTP_URL === '' && config.MAIL_FOLDER === '')
        found.push(
          warning(
            'no mail goes out: invitations, approvals and alerts are not mailed',
            'Set SMTP_URL and MAIL_FROM.',
          ),
        );
      if (config.STRIPE_SECRET_KEY !== '' && config.STRIPE_WEBHOOK_SECRET === '')
        found.push(
          fault(
            'STRIPE_SECRET_KEY is set and STRIPE_WEBHOOK_SECRET is not: Stripe’s webhooks are refused',
            'Set STRIPE_WEBHOOK_SECRET to the signing secret of the endpoint at Stripe.',
          ),
        );
      if (config.SECRETS_KEY.length > 1)
        found.push(
          warning(
            `SECRETS_KEY lists ${config.SECRETS_KEY.length} keys`,
            'Run `npm run secrets:reseal`, then take the older keys out.',
          ),
        );
      return found.length > 0 ? found : [ok('nothing in them contradicts the rest')];
    },
  },
];

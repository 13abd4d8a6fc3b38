import { fault, ok, warning, type Check, type Finding } from './check';

const LOOPBACK = /^https?:\/\/(127\.0\.0\.1|localhost|\[::1\])(:|\/|$)/;

const STRIPE_FORMS = [
  ['STRIPE_SECRET_KEY', /^(sk|rk)_/, 'a secret key (sk_… or rk_…)'],
  ['STRIPE_PUBLISHABLE_KEY', /^pk_/, 'a publishable key (pk_…)'],
  ['STRIPE_WEBHOOK_SECRET', /^whsec_/, 'a signing secret (whsec_…)'],
] as const;

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
      const isProduction = config.ENVIRONMENT === 'production';
      if ((isPublic || isProduction) && config.ALLOW_PRIVATE_DESTINATIONS)
        found.push(
          fault(
            'webhooks may go to private addresses, though this is no machine of a developer',
            'Set ALLOW_PRIVATE_DESTINATIONS=false: else customers can make the server ask your own network.',
          ),
        );
      if (!isPublic && isProduction)
        found.push(
          warning(
            'PUBLIC_URL is this machine’s own address: links in mails and replies lead nowhere from elsewhere',
            'Set PUBLIC_URL to where callers reach the API.',
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
      for (const [name, form, kind] of STRIPE_FORMS)
        if (config[name] !== '' && !form.test(config[name]))
          found.push(
            fault(`${name} has not the form of ${kind}`, 'Copy it anew from Stripe’s dashboard.'),
          );
      if (config.SECRETS_KEY.length > 1)
        found.push(
          warning(
            `SECRETS_KEY lists ${config.SECRETS_KEY.length} keys`,
            'Run `npm run secrets:reseal`, and four days later take the older keys out.',
          ),
        );
      return found.length > 0 ? found : [ok('nothing in them contradicts the rest')];
    },
  },
];

import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import {
  algorithms,
  flag,
  origins,
  port,
  positive,
  rate,
  seconds,
  secretsKeys,
  webUrl,
  webUrlOrNone,
} from './setting-forms';
import { StartError } from './or-exit';

interface Setting {
  readonly describe: string;
  readonly schema: z.ZodType;
  /** What holds when the variable is unset; a setting without one is required. */
  readonly default?: string;
}

/** Every variable the processes read: its name, meaning, form and default. Compose and .env.example are held to it. */
export const SETTINGS = {
  DATABASE_URL: {
    describe: 'Postgres 18, as a connection URL',
    schema: z.string().regex(/^postgres(ql)?:\/\//, 'must start with postgres://'),
  },
  DATABASE_POOL: { describe: 'connections a process holds', schema: positive, default: '10' },
  TEMPORAL_ADDRESS: {
    describe: 'host:port of the Temporal frontend',
    schema: z.string().min(1),
    default: '127.0.0.1:7233',
  },
  TEMPORAL_NAMESPACE: {
    describe: 'the namespace workflows live in',
    schema: z.string().min(1),
    default: 'secapi',
  },
  HOST: { describe: 'the address to listen on', schema: z.string().min(1), default: '127.0.0.1' },
  PORT: { describe: 'the API’s port', schema: port, default: '8080' },
  WORKER_PORT: {
    describe: 'the worker’s port for /healthz and /metrics',
    schema: port,
    default: '8081',
  },
  PUBLIC_URL: {
    describe: 'where callers reach the API; absolute links start with it',
    schema: webUrl.transform((url) => url.replace(/\/+$/, '')),
    default: 'http://127.0.0.1:8080',
  },
  SECRETS_KEY: {
    describe:
      'seals signing secrets and stored replies; base64 of 32 bytes, older keys after a comma',
    schema: secretsKeys,
  },
  ALLOW_PRIVATE_DESTINATIONS: {
    describe: 'let webhooks go to private and loopback addresses (development only)',
    schema: flag,
    default: 'false',
  },
  TRUSTED_PROXIES: {
    describe: 'proxies of yours before the API: so many last hops of X-Forwarded-For are believed',
    schema: z.coerce.number().int().min(0).max(10),
    default: '0',
  },
  OIDC_ISSUER: {
    describe: 'the OpenID Connect issuer whose bearer tokens people sign in with; unset, none',
    schema: webUrlOrNone,
    default: '',
  },
  OIDC_AUDIENCE: {
    describe: 'what the tokens’ aud must hold; unset, PUBLIC_URL',
    schema: z.string(),
    default: '',
  },
  OIDC_ALGORITHMS: {
    describe: 'signature algorithms that tokens may have',
    schema: algorithms,
    default: 'RS256,PS256,ES256,EdDSA',
  },
  OIDC_CLOCK_SKEW_SECONDS: {
    describe: 'by how much the issuer’s clock may differ',
    schema: z.coerce.number().int().min(0).max(300),
    default: '30',
  },
  SMTP_URL: {
    describe: 'where mail goes out, smtp:// or smtps:// with user and password; unset, MAIL_FOLDER',
    schema: z.union([z.literal(''), z.string().regex(/^smtps?:\/\//, 'must start with smtp://')]),
    default: '',
  },
  MAIL_FROM: {
    describe: 'the sender of mail',
    schema: z.string().min(3),
    default: 'SEC API Enterprise <no-reply@secapi.example>',
  },
  MAIL_FOLDER: {
    describe: 'a folder that mail is written to instead of being sent (development)',
    schema: z.string(),
    default: '',
  },
  STRIPE_SECRET_KEY: {
    describe: 'the key that Stripe is asked with; unset, nothing can be bought',
    schema: z.string(),
    default: '',
  },
  STRIPE_PUBLISHABLE_KEY: {
    describe: 'the key that a page of yours may show',
    schema: z.string(),
    default: '',
  },
  STRIPE_WEBHOOK_SECRET: {
    describe: 'signs Stripe’s webhooks to /v1/billing/webhooks/stripe',
    schema: z.string(),
    default: '',
  },
  STRIPE_API_URL: {
    describe: 'another server that speaks Stripe’s API (development)',
    schema: webUrlOrNone,
    default: '',
  },
  ALLOWED_RETURN_ORIGINS: {
    describe:
      'origins that checkout and portal may return to, comma-separated; loopback: any on this machine',
    schema: origins,
    default: '',
  },
  PAYMENT_GRACE_DAYS: {
    describe: 'days after a failed payment until only reads are left',
    schema: z.coerce.number().int().min(0).max(90),
    default: '7',
  },
  ARTIFACTS_FOLDER: {
    describe: 'where exported files are kept; API and workers share it',
    schema: z.string().min(1),
    default: '.local/artifacts',
  },
  CATALOG_PATH: {
    describe: 'a catalogue file of your own; unset, the built-in one',
    schema: z.string(),
    default: '',
  },
  LOG_LEVEL: {
    describe: 'trace, debug, info, warn, error, fatal or silent',
    schema: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    default: 'info',
  },
  ENVIRONMENT: {
    describe: 'a name shown in logs and diagnostics',
    schema: z.string().min(1),
    default: 'development',
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    describe: 'where OpenTelemetry traces go, OTLP over HTTP (/v1/traces is added); unset, none',
    schema: webUrlOrNone,
    default: '',
  },
  DELIVERY_WORKFLOW_RATE: {
    describe:
      'first-time successes a second that get a workflow of their own: a number, 0 or unlimited',
    schema: rate,
    default: '10',
  },
  DELIVERY_START_RATE: {
    describe: 'workflows a second that the relay starts for deliveries that have to wait',
    schema: positive,
    default: '25',
  },
  DELIVERY_SLOTS: {
    describe: 'first attempts a worker has in flight at most',
    schema: positive,
    default: '400',
  },
  DELIVERY_SCHEDULE_SECONDS: {
    describe: 'waits between the scheduled attempts',
    schema: seconds,
    default: '30,120,600,3600,14400,43200,86400',
  },
  DELIVERY_WINDOW_SECONDS: {
    describe: 'how long a delivery stays open for retries and replays',
    schema: positive,
    default: '259200',
  },
  RETENTION_DAYS: {
    describe: 'days that events, deliveries, attempts, streams and requests are kept',
    schema: z.coerce.number().int().min(7).max(3_650),
    default: '90',
  },
  STREAM_SOCKETS_PER_ORGANIZATION: {
    describe: 'WebSockets that an organization may have open at once, over all API processes',
    schema: positive,
    default: '100',
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;
export type Config = {
  readonly [Name in SettingName]: z.output<(typeof SETTINGS)[Name]['schema']>;
};

/** Thrown when the environment is wrong; its message lists every fault, one a line. */
export class ConfigError extends StartError {}

/** What is wrong with the values though each has its form; one sentence a fault. */
export type ConfigCheck = (values: Partial<Config>) => readonly string[];

/** Reads and checks the whole environment. Throws one ConfigError that names every bad setting at once. */
export function readConfig(
  env: Readonly<Record<string, string | undefined>>,
  checks: readonly ConfigCheck[] = [],
): Config {
  return readSettings(env, Object.keys(SETTINGS) as SettingName[], checks);
}

/** Reads and checks some settings alone: what a command needs. Throws one ConfigError for all that is wrong. */
export function readSettings<Name extends SettingName>(
  env: Readonly<Record<string, string | undefined>>,
  names: readonly Name[],
  checks: readonly ConfigCheck[] = [],
): Pick<Config, Name> {
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  for (const name of names) {
    const setting: Setting = SETTINGS[name];
    const text = env[name] === undefined || env[name] === '' ? setting.default : env[name];
    if (text === undefined) {
      faults.push(`${name} is not set (${setting.describe})`);
      continue;
    }
    const parsed = setting.schema.safeParse(text);
    if (parsed.success) values[name] = parsed.data;
    else
      faults.push(
        `${name}: ${parsed.error.issues[0]?.message ?? 'is invalid'} (${setting.describe})`,
      );
  }
  faults.push(...checks.flatMap((check) => check(values)));
  if (faults.length > 0) {
    throw new ConfigError(
      `The environment has ${faults.length} fault(s):\n  - ${faults.join('\n  - ')}`,
    );
  }
  return values as Pick<Config, Name>;
}

/** A fresh value for SECRETS_KEY. */
export function newSecretsKey(): string {
  return randomBytes(32).toString('base64');
}

import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { migrate } from '../entities/migrate';
import type { Children } from './children';
import {
  ensureDatabase,
  initPostgres,
  postgresDataDir,
  postgresLocalUrl,
  postgresUrl,
  spawnPostgres,
  stopLeftoverPostgres,
  waitForPostgres,
} from './postgres';
import { repositoryRoot } from './repository-root';
import { seed, type Seeded } from './seed';
import { standInForStripe } from './stripe/stand-in';
import { keepClosedWorkflows, resolveTemporal, spawnTemporal, waitForTemporal } from './temporal';
import { waitForUrl } from './wait-for-url';

const DATABASE = 'secapi';
export const NAMESPACE = 'secapi';

export interface StackPorts {
  readonly PORT: number;
  readonly WORKER_PORT: number;
  readonly POSTGRES_PORT: number;
  readonly TEMPORAL_PORT: number;
  readonly TEMPORAL_UI_PORT: number;
  readonly RECEIVER_PORT: number;
  readonly STRIPE_PORT: number;
}

export interface StackOptions {
  /** Where everything is kept: databases, logs. */
  readonly folder: string;
  readonly ports: StackPorts;
  /** What the API and the worker read, beside what the stack sets itself. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly secretsKey: string;
  /** Keys of an earlier start on the same folder. */
  readonly seeded?: Partial<Seeded>;
  readonly withUi: boolean;
  readonly say: (text: string) => void;
  /** Told the keys as soon as they are there. */
  readonly onSeeded?: (seeded: Seeded) => void;
}

/** A whole stack on one machine, its processes kept running. */
export interface Stack {
  readonly apiUrl: string;
  readonly receiverUrl: string;
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly temporalUiUrl: string;
  /** The stand-in for Stripe; null where a key of a real account is set. */
  readonly stripeUrl: string | null;
  readonly stripeWebhookSecret: string | null;
  readonly seeded: Seeded;
  pids(): Readonly<Record<string, number>>;
  /** Stops everything, the last started first. */
  stop(): Promise<void>;
}

/**
 * Starts Postgres, Temporal, API, worker and receiver, migrates and seeds. Each process is in a group of its own, so
 * that Ctrl-C in a terminal doesn't reach it: `children` ends them in order. Throws with a reason a person can act on.
 */
export async function startStack(options: StackOptions, children: Children): Promise<Stack> {
  const { folder, ports, env, say } = options;
  const logs = join(folder, 'logs');
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o755);
  /** Starts a process that writes to its own log. */
  const logged = (name: string, start: (log: number) => ChildProcess) => (): ChildProcess => {
    mkdirSync(logs, { recursive: true });
    const log = openSync(join(logs, `${name}.log`), 'a');
    try {
      return start(log);
    } finally {
      closeSync(log);
    }
  };

  say('Starting Postgres');
  const postgres = { dataDir: postgresDataDir(folder), port: ports.POSTGRES_PORT, durable: true };
  stopLeftoverPostgres(postgres.dataDir);
  await initPostgres(postgres, children.ending);
  children.keep(
    'postgres',
    logged('postgres', (log) => spawnPostgres(postgres, log, true)),
    'SIGINT',
  );
  await waitForPostgres(ports.POSTGRES_PORT);
  await ensureDatabase(ports.POSTGRES_PORT, DATABASE);
  const databaseUrl = postgresUrl(ports.POSTGRES_PORT, DATABASE);
  const migrated = await migrate(databaseUrl);
  if (migrated.length > 0) say(`Migrated the database: ${migrated.join(', ')}`);
  const seeded = await seed(databaseUrl, options.seeded ?? {});
  options.onSeeded?.(seeded);

  const given = env['TEMPORAL_ADDRESS'] || undefined;
  const temporalAddress = given ?? `127.0.0.1:${ports.TEMPORAL_PORT}`;
  if (!given) {
    const binary = await resolveTemporal(say, children.ending);
    say('Starting Temporal');
    const temporal = {
      binary,
      port: ports.TEMPORAL_PORT,
      namespace: NAMESPACE,
      dbFile: join(folder, 'temporal.db'),
      yields: true,
      ...(options.withUi ? { uiPort: ports.TEMPORAL_UI_PORT } : {}),
    };
    children.keep(
      'temporal',
      logged('temporal', (log) => spawnTemporal(temporal, log, true)),
    );
    await waitForTemporal(temporalAddress, NAMESPACE);
    await keepClosedWorkflows(temporalAddress, NAMESPACE);
  }

  say('Starting API, worker and receiver');
  const apiUrl = `http://127.0.0.1:${ports.PORT}`;
  const receiverUrl = `http://127.0.0.1:${ports.RECEIVER_PORT}`;
  const stripe = standInForStripe({
    env,
    folder,
    apiUrl,
    port: ports.STRIPE_PORT,
    secretsKey: options.secretsKey,
  });
  const artifacts = join(folder, 'artifacts');
  mkdirSync(artifacts, { recursive: true });
  const childEnv = {
    PUBLIC_URL: apiUrl,
    MAIL_FOLDER: join(folder, 'mail'),
    ARTIFACTS_FOLDER: artifacts,
    ALLOWED_RETURN_ORIGINS: 'loopback',
    ...env,
    ...stripe?.env,
    DATABASE_URL: postgresLocalUrl(postgres, DATABASE),
    TEMPORAL_ADDRESS: temporalAddress,
    TEMPORAL_NAMESPACE: NAMESPACE,
    SECRETS_KEY: options.secretsKey,
    ALLOW_PRIVATE_DESTINATIONS: 'true',
    PORT: String(ports.PORT),
    WORKER_PORT: String(ports.WORKER_PORT),
    RECEIVER_PORT: String(ports.RECEIVER_PORT),
  };
  const node = (name: string, script: string, more: object = {}) =>
    logged(name, (log) =>
      spawn(process.execPath, ['--enable-source-maps', join(repositoryRoot(), 'dist', script)], {
        env: { ...childEnv, ...more },
        stdio: ['ignore', log, log],
        detached: true,
      }),
    );
  children.keep('receiver', node('receiver', 'devstack/receiver.js'));
  if (stripe) children.keep('stripe', node('stripe', 'devstack/stripe/main.js', stripe.own));
  children.keep('api', node('api', 'api/server.js'));
  children.keep('worker', node('worker', 'worker/main.js'));
  await Promise.all([
    waitForUrl(`${apiUrl}/readyz`, (body) => body['temporal'] === 'up'),
    waitForUrl(
      `http://127.0.0.1:${ports.WORKER_PORT}/healthz`,
      (body) => body['temporal'] === 'up',
    ),
    waitForUrl(`${receiverUrl}/requests`),
    ...(stripe ? [waitForUrl(`${stripe.url}/v1/prices`)] : []),
  ]);
  return {
    apiUrl,
    receiverUrl,
    databaseUrl,
    temporalAddress,
    temporalUiUrl: given
      ? (env['TEMPORAL_UI_URL'] ?? '')
      : `http://127.0.0.1:${ports.TEMPORAL_UI_PORT}/namespaces/${NAMESPACE}/workflows`,
    stripeUrl: stripe?.url ?? null,
    stripeWebhookSecret: stripe?.env.STRIPE_WEBHOOK_SECRET ?? null,
    seeded,
    pids: () => children.pids,
    stop: () => children.stop(),
  };
}

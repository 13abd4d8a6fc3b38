import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { migrate } from '../entities/migrate';
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
import { supervise, type Supervised } from './supervise';
import { resolveTemporal, spawnTemporal, waitForTemporal } from './temporal';
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
  /** Told of every child that starts, the first time and again. */
  readonly onPids?: (pids: Readonly<Record<string, number>>) => void;
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

/** What is running so far, so that a start that fails or is interrupted can be undone. */
export class Children {
  readonly #children: Supervised[] = [];
  readonly #pids: Record<string, number> = {};

  constructor(
    private readonly say: (text: string) => void,
    private readonly onPids: (pids: Readonly<Record<string, number>>) => void = () => undefined,
  ) {}

  get pids(): Readonly<Record<string, number>> {
    return { ...this.#pids };
  }

  keep(
    name: string,
    start: Parameters<typeof supervise>[0]['start'],
    signal?: NodeJS.Signals,
  ): void {
    const child = supervise({
      name,
      start,
      ...(signal ? { stopSignal: signal } : {}),
      onStart: (pid) => {
        this.#pids[name] = pid;
        this.onPids(this.pids);
      },
      onDeath: (how, gapMs) => this.say(`${name} died (${how}); starting it again in ${gapMs} ms`),
    });
    this.#children.push(child);
  }

  async stop(): Promise<void> {
    for (const child of [...this.#children].reverse()) await child.stop();
  }

  kill(): void {
    for (const child of this.#children) child.kill();
  }
}

/** Starts Postgres, Temporal, API, worker and receiver, migrates and seeds. Throws with a reason a person can act on. */
export async function startStack(options: StackOptions, children: Children): Promise<Stack> {
  const { folder, ports, env, say } = options;
  mkdirSync(join(folder, 'logs'), { recursive: true });
  chmodSync(folder, 0o755);
  const logFile = (name: string): number => openSync(join(folder, 'logs', `${name}.log`), 'a');

  say('Starting Postgres');
  const postgres = { dataDir: postgresDataDir(folder), port: ports.POSTGRES_PORT, durable: true };
  stopLeftoverPostgres(postgres.dataDir);
  await initPostgres(postgres);
  children.keep('postgres', () => spawnPostgres(postgres, logFile('postgres')), 'SIGINT');
  await waitForPostgres(ports.POSTGRES_PORT);
  await ensureDatabase(ports.POSTGRES_PORT, DATABASE);
  const databaseUrl = postgresUrl(ports.POSTGRES_PORT, DATABASE);
  const migrated = await migrate(databaseUrl);
  if (migrated.length > 0) say(`Migrated the database: ${migrated.join(', ')}`);
  const seeded = await seed(databaseUrl, options.seeded ?? {});

  const given = env['TEMPORAL_ADDRESS'];
  const temporalAddress = given ?? `127.0.0.1:${ports.TEMPORAL_PORT}`;
  if (!given) {
    const binary = await resolveTemporal(say);
    say('Starting Temporal');
    const temporal = {
      binary,
      port: ports.TEMPORAL_PORT,
      namespace: NAMESPACE,
      dbFile: join(folder, 'temporal.db'),
      yields: true,
      ...(options.withUi ? { uiPort: ports.TEMPORAL_UI_PORT } : {}),
    };
    children.keep('temporal', () => spawnTemporal(temporal, logFile('temporal')));
    await waitForTemporal(temporalAddress, NAMESPACE);
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
  const childEnv = {
    PUBLIC_URL: apiUrl,
    MAIL_FOLDER: join(folder, 'mail'),
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
  const node =
    (name: string, script: string, more: object = {}) =>
    () => {
      const out = logFile(name);
      const path = join(repositoryRoot(), 'dist', script);
      return spawn(process.execPath, ['--enable-source-maps', path], {
        env: { ...childEnv, ...more },
        stdio: ['ignore', out, out],
      });
    };
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

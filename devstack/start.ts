import { spawn } from 'node:child_process';
import { mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { migrate } from '../entities/migrate';
import { stopLeftovers } from './leftovers';
import { readyPanel } from './panel';
import { requireFreePorts } from './ports';
import {
  ensureDatabase,
  initPostgres,
  postgresUrl,
  spawnPostgres,
  stopLeftoverPostgres,
  waitForPostgres,
} from './postgres';
import { repositoryRoot } from './repository-root';
import { seed } from './seed';
import { localDir, readStackFile, secretsKey, writeStackFile, type StackFile } from './stack-file';
import { supervise, type Supervised } from './supervise';
import { resolveTemporal, spawnTemporal, waitForTemporal } from './temporal';
import { waitForUrl } from './wait-for-url';

const DATABASE = 'secapi';
const NAMESPACE = 'secapi';

const say = (text: string): void => console.log(`▸ ${text}`);

async function main(): Promise<void> {
  const startedAt = Date.now();
  const env = withDotEnv();
  const ports = {
    PORT: Number(env['PORT'] ?? 8080),
    WORKER_PORT: Number(env['WORKER_PORT'] ?? 8081),
    POSTGRES_PORT: Number(env['POSTGRES_PORT'] ?? 5433),
    TEMPORAL_PORT: Number(env['TEMPORAL_PORT'] ?? 7233),
    TEMPORAL_UI_PORT: Number(env['TEMPORAL_UI_PORT'] ?? 8233),
    RECEIVER_PORT: Number(env['RECEIVER_PORT'] ?? 9900),
  };
  const local = localDir();
  const before = readStackFile();
  const dataDir = join(local, 'postgres');
  mkdirSync(dataDir, { recursive: true });
  await stopLeftovers();
  stopLeftoverPostgres(dataDir);
  await requireFreePorts(ports);

  const children: Supervised[] = [];
  const pids: Record<string, number> = {};
  let stack: StackFile | null = null;
  const keep = (
    name: string,
    start: Parameters<typeof supervise>[0]['start'],
    stopSignal?: NodeJS.Signals,
  ): void => {
    children.push(
      supervise({
        name,
        start,
        ...(stopSignal ? { stopSignal } : {}),
        onStart(pid) {
          pids[name] = pid;
          if (stack) writeStackFile({ ...stack, pids: { ...pids } });
        },
        onDeath: (how, gapMs) => say(`${name} died (${how}); starting it again in ${gapMs} ms`),
      }),
    );
  };
  stopOnSignal(children);

  say('Starting Postgres');
  const postgres = { dataDir, port: ports.POSTGRES_PORT, durable: true };
  await initPostgres(postgres);
  keep('postgres', () => spawnPostgres(postgres, logFile('postgres')), 'SIGINT');
  await waitForPostgres(ports.POSTGRES_PORT);
  await ensureDatabase(ports.POSTGRES_PORT, DATABASE);
  const databaseUrl = postgresUrl(ports.POSTGRES_PORT, DATABASE);
  const migrated = await migrate(databaseUrl);
  if (migrated.length > 0) say(`Migrated the database: ${migrated.join(', ')}`);
  const seeded = await seed(databaseUrl, before ?? {});

  let temporalAddress = env['TEMPORAL_ADDRESS'];
  let temporalUiUrl = env['TEMPORAL_UI_URL'] ?? '';
  if (!temporalAddress) {
    temporalAddress = `127.0.0.1:${ports.TEMPORAL_PORT}`;
    temporalUiUrl = `http://127.0.0.1:${ports.TEMPORAL_UI_PORT}/namespaces/${NAMESPACE}/workflows`;
    const binary = await resolveTemporal(say);
    say('Starting Temporal');
    keep('temporal', () =>
      spawnTemporal(
        {
          binary,
          port: ports.TEMPORAL_PORT,
          uiPort: ports.TEMPORAL_UI_PORT,
          namespace: NAMESPACE,
          dbFile: join(local, 'temporal.db'),
        },
        logFile('temporal'),
      ),
    );
    await waitForTemporal(temporalAddress, NAMESPACE);
  }

  say('Starting API, worker and receiver');
  const apiUrl = `http://127.0.0.1:${ports.PORT}`;
  const childEnv = {
    ...env,
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: temporalAddress,
    TEMPORAL_NAMESPACE: NAMESPACE,
    SECRETS_KEY: secretsKey(),
    PUBLIC_URL: env['PUBLIC_URL'] ?? apiUrl,
    ALLOW_PRIVATE_DESTINATIONS: 'true',
    PORT: String(ports.PORT),
    WORKER_PORT: String(ports.WORKER_PORT),
    RECEIVER_PORT: String(ports.RECEIVER_PORT),
  };
  const node = (name: string, script: string) => () => {
    const out = logFile(name);
    return spawn(
      process.execPath,
      ['--enable-source-maps', join(repositoryRoot(), 'dist', script)],
      {
        env: childEnv,
        stdio: ['ignore', out, out],
      },
    );
  };
  keep('receiver', node('receiver', 'devstack/receiver.js'));
  keep('api', node('api', 'api/server.js'));
  keep('worker', node('worker', 'worker/main.js'));
  const receiverUrl = `http://127.0.0.1:${ports.RECEIVER_PORT}`;
  await Promise.all([
    waitForUrl(`${apiUrl}/readyz`, (body) => body['temporal'] === 'up'),
    waitForUrl(`http://127.0.0.1:${ports.WORKER_PORT}/healthz`),
    waitForUrl(`${receiverUrl}/requests`),
  ]);
  stack = {
    apiUrl,
    ...seeded,
    temporalAddress,
    temporalNamespace: NAMESPACE,
    temporalUiUrl,
    databaseUrl,
    stripeUrl: null,
    stripeWebhookSecret: null,
    receiverUrl,
    pids: { ...pids },
  };
  writeStackFile(stack);
  console.log(readyPanel(stack, (Date.now() - startedAt) / 1_000));
}

/** The environment, with what .env adds. */
function withDotEnv(): Record<string, string | undefined> {
  try {
    process.loadEnvFile(join(repositoryRoot(), '.env'));
  } catch {
    return { ...process.env };
  }
  return { ...process.env };
}

function logFile(name: string): number {
  return openSync(join(localDir(), 'logs', `${name}.log`), 'a');
}

/** The first signal stops everything in order; a second one kills. */
function stopOnSignal(children: Supervised[]): void {
  let asked = false;
  const stop = async (): Promise<void> => {
    if (asked) {
      for (const child of children) child.kill();
      process.exit(1);
    }
    asked = true;
    say('Stopping');
    for (const child of [...children].reverse()) await child.stop();
    say('Stopped');
    process.exit(0);
  };
  process.on('SIGINT', () => void stop());
  process.on('SIGTERM', () => void stop());
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.kill(process.pid, 'SIGTERM');
});

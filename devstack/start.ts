import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { announceMail } from './announce-mail';
import { stopLeftovers } from './leftovers';
import { readyPanel } from './panel';
import { requireFreePorts } from './ports';
import { repositoryRoot } from './repository-root';
import { Children, NAMESPACE, startStack } from './stack';
import { localDir, readStackFile, secretsKey, writeStackFile, type StackFile } from './stack-file';

const say = (text: string): void => console.log(`▸ ${text}`);

/** `npm start`: the whole stack on one machine, until Ctrl-C. With `--detach` it goes on in the background. */
async function main(): Promise<void> {
  const startedAt = Date.now();
  loadDotEnv();
  const env = process.env;
  const ports = {
    PORT: Number(env['PORT'] ?? 8080),
    WORKER_PORT: Number(env['WORKER_PORT'] ?? 8081),
    POSTGRES_PORT: Number(env['POSTGRES_PORT'] ?? 5433),
    TEMPORAL_PORT: Number(env['TEMPORAL_PORT'] ?? 7233),
    TEMPORAL_UI_PORT: Number(env['TEMPORAL_UI_PORT'] ?? 8233),
    RECEIVER_PORT: Number(env['RECEIVER_PORT'] ?? 9900),
    STRIPE_PORT: Number(env['STRIPE_PORT'] ?? 9910),
  };
  const before = readStackFile();
  await stopLeftovers();
  await requireFreePorts(ports);

  let stack: StackFile | null = null;
  const children = new Children(say, (pids) => {
    if (stack) writeStackFile({ ...stack, pids });
  });
  stopOnSignal(children);
  const folder = localDir();
  const started = await startStack(
    { folder, ports, env, secretsKey: secretsKey(), seeded: before ?? {}, withUi: true, say },
    children,
  );
  stack = {
    apiUrl: started.apiUrl,
    ...started.seeded,
    temporalAddress: started.temporalAddress,
    temporalNamespace: NAMESPACE,
    temporalUiUrl: started.temporalUiUrl,
    databaseUrl: started.databaseUrl,
    stripeUrl: started.stripeUrl,
    stripeWebhookSecret: started.stripeWebhookSecret,
    receiverUrl: started.receiverUrl,
    startPid: process.pid,
    pids: started.pids(),
  };
  writeStackFile(stack);
  announceMail(join(folder, 'mail'), say);
  console.log(readyPanel(stack, (Date.now() - startedAt) / 1_000));
}

function loadDotEnv(): void {
  try {
    process.loadEnvFile(join(repositoryRoot(), '.env'));
  } catch {
    // There need not be one.
  }
}

/** The first signal stops everything in order; a second one kills. */
function stopOnSignal(children: Children): void {
  let asked = false;
  const stop = async (): Promise<void> => {
    if (asked) {
      children.kill();
      process.exit(1);
    }
    asked = true;
    say('Stopping');
    await children.stop();
    say('Stopped');
    process.exit(process.exitCode ?? 0);
  };
  process.on('SIGINT', () => void stop());
  process.on('SIGTERM', () => void stop());
}

/** Starts the same program in the background and waits until it is ready or has failed. */
async function detach(): Promise<void> {
  const log = join(localDir(), 'logs', 'start.log');
  const before = readStackFile()?.startPid;
  const out = openSync(log, 'w');
  const child = spawn(process.execPath, ['--enable-source-maps', __filename], {
    detached: true,
    stdio: ['ignore', out, out],
  });
  say(`Starting in the background; the log is ${log}`);
  const failed = new Promise<'failed'>((resolve) => child.once('exit', () => resolve('failed')));
  const ready = (async () => {
    while (readStackFile()?.startPid !== child.pid || before === child.pid) {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    return 'ready' as const;
  })();
  if ((await Promise.race([failed, ready])) === 'failed') {
    console.error(`It did not come up; see ${log}`);
    process.exit(1);
  }
  const stack = readStackFile();
  say(`Ready: ${stack?.apiUrl ?? ''}  (npm stop ends it)`);
  process.exit(0);
}

const program = process.argv.includes('--detach') ? detach() : main();
program.catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
  process.kill(process.pid, 'SIGTERM');
});

import { join } from 'node:path';
import { StartError } from '../platform/or-exit';
import { messageOf } from '../platform/message-of';
import { announceMail } from './announce-mail';
import { Children } from './children';
import { startDetached } from './detach';
import { endOnSignal } from './end-on-signal';
import { runningStart, stopLeftovers } from './leftovers';
import { readyPanel } from './panel';
import { requireFreePorts } from './ports';
import { claimProcesses, forgetProcesses, recordChildren } from './process-file';
import { repositoryRoot } from './repository-root';
import { NAMESPACE, startStack, type StackPorts } from './stack';
import {
  localDir,
  readSeeded,
  removeStackFile,
  secretsKey,
  writeSeeded,
  writeStackFile,
  type StackFile,
} from './stack-file';
import { portsInUse, readStackPorts } from './stack-settings';

const say = (text: string): void => console.log(`▸ ${text}`);

/** `npm start`: the whole stack on one machine, until Ctrl-C. With `--detach` it goes on in the background. */
async function main(): Promise<void> {
  // A terminal or a pipe that is gone must not keep the stack from ending in order.
  for (const out of [process.stdout, process.stderr]) out.on('error', () => undefined);
  loadDotEnv();
  const ports = readStackPorts(process.env);
  refuseSecond();
  if (process.argv.includes('--detach')) {
    const apiUrl = await startDetached(__filename, say);
    say(`Ready: ${apiUrl}  (npm stop ends it)`);
    process.exit(0);
  }
  await claimFolder();
  await run(ports);
}

function loadDotEnv(): void {
  try {
    process.loadEnvFile(join(repositoryRoot(), '.env'));
  } catch {
    // There need not be one.
  }
}

function refuseSecond(): void {
  const pid = runningStart();
  if (pid === null) return;
  throw new StartError(
    `The stack of this folder is running already, by process ${pid}. npm stop ends it; another checkout can run beside it on ports of its own.`,
  );
}

/** Makes this process the folder's one `npm start`, after ending what a killed one left. */
async function claimFolder(): Promise<void> {
  while (!claimProcesses()) {
    refuseSecond();
    say('Ending what an earlier start left');
    await stopLeftovers();
  }
}

async function run(ports: StackPorts): Promise<void> {
  const startedAt = Date.now();
  let stack: StackFile | null = null;
  const children = new Children(say, (pids) => {
    recordChildren(pids);
    if (stack) writeStackFile({ ...stack, pids });
  });
  const leave = (code: number): never => {
    removeStackFile();
    forgetProcesses(process.pid);
    process.exit(code);
  };
  const end = async (code: number): Promise<void> => {
    say('Stopping');
    await children.stop();
    say('Stopped');
    leave(code);
  };
  endOnSignal(
    () => void end(0),
    () => {
      children.kill();
      leave(1);
    },
  );
  try {
    stack = await start(ports, children);
    writeStackFile(stack);
    announceMail(join(localDir(), 'mail'), say);
    console.log(readyPanel(stack, (Date.now() - startedAt) / 1_000));
  } catch (error) {
    if (children.ending.aborted) return;
    console.error(messageOf(error));
    await end(1);
  }
}

async function start(ports: StackPorts, children: Children): Promise<StackFile> {
  const { env } = process;
  const seeded = readSeeded();
  removeStackFile();
  await requireFreePorts(portsInUse(ports, env));
  const folder = localDir();
  const started = await startStack(
    {
      ...{ folder, ports, env, secretsKey: secretsKey(), seeded, withUi: true, say },
      onSeeded: writeSeeded,
    },
    children,
  );
  return {
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
}

main().catch((error: unknown) => {
  console.error(messageOf(error));
  process.exit(1);
});

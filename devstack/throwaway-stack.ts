import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newSecretsKey } from '../platform/config';
import { Children } from './children';
import { freePort } from './ports';
import { startStack, type Stack, type StackOptions, type StackPorts } from './stack';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A whole stack that is gone afterwards. */
export interface ThrowawayStack extends Stack {
  /** Where everything of it is kept. */
  readonly folder: string;
  /** A request with the seeded live key. Throws unless the answer is a success. */
  call<Reply>(method: string, path: string, body?: unknown): Promise<Reply>;
}

/** Ports that are free at the moment, for every part of a stack. */
export async function freePorts(): Promise<StackPorts> {
  return {
    PORT: await freePort(),
    WORKER_PORT: await freePort(),
    POSTGRES_PORT: await freePort(),
    TEMPORAL_PORT: await freePort(),
    TEMPORAL_UI_PORT: await freePort(),
    RECEIVER_PORT: await freePort(),
    STRIPE_PORT: await freePort(),
  };
}

/** Runs `act` with a temporary folder, and removes it, also when the process ends midway. */
export async function withFolder<Value>(act: (folder: string) => Promise<Value>): Promise<Value> {
  const folder = mkdtempSync(join(tmpdir(), 'secapi-stack-'));
  const remove = (): void =>
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  process.on('exit', remove);
  try {
    return await act(folder);
  } finally {
    process.off('exit', remove);
    remove();
  }
}

/** Starts a stack on free ports in a temporary folder, runs `act` with it, and ends and removes everything, also on Ctrl-C. */
export function withThrowawayStack<Value>(
  env: Readonly<Record<string, string>>,
  say: (text: string) => void,
  act: (stack: ThrowawayStack) => Promise<Value>,
): Promise<Value> {
  return withFolder((folder) =>
    withStackOn({ folder, env, secretsKey: newSecretsKey() }, say, act),
  );
}

/** Starts a stack over what a folder holds, runs `act` with it, and ends it; the folder stays. */
export async function withStackOn<Value>(
  options: Pick<StackOptions, 'folder' | 'env' | 'secretsKey' | 'seeded'>,
  say: (text: string) => void,
  act: (stack: ThrowawayStack) => Promise<Value>,
): Promise<Value> {
  const children = new Children(say);
  const interrupted = (): void => {
    children.kill();
    process.exit(130);
  };
  const kill = (): void => children.kill();
  for (const signal of SIGNALS) process.on(signal, interrupted);
  process.on('exit', kill);
  try {
    const stack = await startStack(
      {
        ...options,
        ports: await freePorts(),
        env: { ...process.env, ...options.env },
        withUi: false,
        say: () => undefined,
      },
      children,
    );
    return await act({
      ...stack,
      folder: options.folder,
      async call<Reply>(method: string, path: string, body?: unknown) {
        const response = await fetch(stack.apiUrl + path, {
          method,
          headers: { 'x-api-key': stack.seeded.apiKey, 'content-type': 'application/json' },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        const text = await response.text();
        if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
        return JSON.parse(text) as Reply;
      },
    });
  } finally {
    await children.stop();
    kill();
    process.off('exit', kill);
    for (const signal of SIGNALS) process.off(signal, interrupted);
  }
}

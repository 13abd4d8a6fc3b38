import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newSecretsKey } from '../platform/config';
import { Children } from './children';
import { freePort } from './ports';
import { startStack, type Stack } from './stack';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A whole stack that is gone afterwards. */
export interface ThrowawayStack extends Stack {
  /** Where everything of it is kept. */
  readonly folder: string;
  /** A request with the seeded live key. Throws unless the answer is a success. */
  call<Reply>(method: string, path: string, body?: unknown): Promise<Reply>;
}

/** Starts a stack on free ports in a temporary folder, runs `act` with it, and ends and removes everything, also on Ctrl-C. */
export async function withThrowawayStack<Value>(
  env: Readonly<Record<string, string>>,
  say: (text: string) => void,
  act: (stack: ThrowawayStack) => Promise<Value>,
): Promise<Value> {
  const folder = mkdtempSync(join(tmpdir(), 'secapi-stack-'));
  const children = new Children(say);
  const remove = (): void => {
    children.kill();
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
  const interrupted = (): void => {
    remove();
    process.exit(130);
  };
  for (const signal of SIGNALS) process.on(signal, interrupted);
  try {
    const ports = {
      PORT: await freePort(),
      WORKER_PORT: await freePort(),
      POSTGRES_PORT: await freePort(),
      TEMPORAL_PORT: await freePort(),
      TEMPORAL_UI_PORT: await freePort(),
      RECEIVER_PORT: await freePort(),
      STRIPE_PORT: await freePort(),
    };
    const quiet = (): void => undefined;
    const stack = await startStack(
      {
        folder,
        ports,
        env: { ...process.env, ...env },
        secretsKey: newSecretsKey(),
        withUi: false,
        say: quiet,
      },
      children,
    );
    return await act({
      ...stack,
      folder,
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
    remove();
    for (const signal of SIGNALS) process.off(signal, interrupted);
  }
}

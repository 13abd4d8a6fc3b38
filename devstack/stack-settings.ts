import { catalogFaults } from '../catalog/load-catalog';
import { newSecretsKey, readConfig } from '../platform/config';
import { port } from '../platform/setting-forms';
import type { StackPorts } from './stack';

type Env = Readonly<Record<string, string | undefined>>;

/** Where each part of the stack listens unless its setting moves it. */
const DEFAULT_PORTS: StackPorts = {
  PORT: 8080,
  WORKER_PORT: 8081,
  POSTGRES_PORT: 5433,
  TEMPORAL_PORT: 7233,
  TEMPORAL_UI_PORT: 8233,
  RECEIVER_PORT: 9900,
  STRIPE_PORT: 9910,
};

/** The stack's ports. Throws one ConfigError that names every bad setting: of the ports, the API and the worker. */
export function readStackPorts(env: Env): StackPorts {
  const ports = { ...DEFAULT_PORTS };
  const faults: string[] = [];
  const takers = new Map<number, string>();
  for (const name of Object.keys(ports) as (keyof StackPorts)[]) {
    const parsed = port.min(1).safeParse(env[name] || ports[name]);
    if (!parsed.success) {
      faults.push(`${name}: must be a port from 1 to 65535`);
      continue;
    }
    const other = takers.get(parsed.data);
    if (other) faults.push(`${name}: ${parsed.data} is ${other}'s already`);
    takers.set(parsed.data, name);
    ports[name] = parsed.data;
  }
  const ofTheStack = { DATABASE_URL: 'postgres://', SECRETS_KEY: newSecretsKey() };
  const given = { ...env, ...ofTheStack, PORT: undefined, WORKER_PORT: undefined };
  readConfig(given, [({ CATALOG_PATH }) => catalogFaults(CATALOG_PATH), () => faults]);
  return ports;
}

/** Those of the ports that this stack will listen on: parts that are elsewhere need none. */
export function portsInUse(ports: StackPorts, env: Env): Partial<StackPorts> {
  const { TEMPORAL_PORT, TEMPORAL_UI_PORT, STRIPE_PORT, ...always } = ports;
  return {
    ...always,
    ...(env['TEMPORAL_ADDRESS'] ? {} : { TEMPORAL_PORT, TEMPORAL_UI_PORT }),
    ...(env['STRIPE_SECRET_KEY'] ? {} : { STRIPE_PORT }),
  };
}

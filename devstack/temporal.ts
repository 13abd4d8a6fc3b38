import { spawn, spawnSync, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time';
import { repositoryRoot } from './repository-root';
import { runToEnd } from './run-to-end';

const READY_MS = 30_000;
const DOWNLOAD_MS = 5_000;
const TOOL = join(repositoryRoot(), 'tools', 'temporal');

/** Where large things that can be made again are kept between runs and checkouts. */
export function cacheDir(): string {
  const base = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return join(base, 'secapi-enterprise');
}

/**
 * Finds a Temporal CLI: on the PATH, in our cache, by download (5 s), or built with Go into the cache, which takes
 * minutes the first time and says so. Throws an Error that says what to install where nothing works, or when `ending`
 * aborts.
 */
export async function resolveTemporal(
  onProgress: (text: string) => void,
  ending?: AbortSignal,
): Promise<string> {
  const onPath = findOnPath('temporal');
  if (onPath) return onPath;
  const sums = readFileSync(join(TOOL, 'go.sum'));
  const version = createHash('sha256').update(sums).digest('hex').slice(0, 12);
  const folder = join(cacheDir(), `temporal-${version}`);
  const binary = join(folder, 'temporal');
  if (existsSync(binary)) return binary;
  return (await download(onProgress)) ?? build(folder, binary, onProgress, ending);
}

function findOnPath(name: string): string | null {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue;
    }
  }
  return null;
}

/** The SDK's own download, in a process of its own that is given 5 s. */
async function download(onProgress: (text: string) => void): Promise<string | null> {
  onProgress('Downloading a Temporal server');
  const script = `
    const { TestWorkflowEnvironment } = require('@temporalio/testing');
    TestWorkflowEnvironment.createLocal().then((env) => env.teardown()).then(() => process.exit(0), () => process.exit(1));`;
  const child = spawn(process.execPath, ['-e', script], { cwd: repositoryRoot(), stdio: 'ignore' });
  const timer = setTimeout(() => child.kill('SIGKILL'), DOWNLOAD_MS);
  const code = await new Promise((resolve) => child.once('exit', resolve));
  clearTimeout(timer);
  if (code !== 0) return null;
  const { tmpdir } = await import('node:os');
  const { readdirSync } = await import('node:fs');
  const found = readdirSync(tmpdir()).find((name) => /^temporal-sdk-typescript-/.test(name));
  return found ? join(tmpdir(), found) : null;
}

async function build(
  folder: string,
  binary: string,
  onProgress: (text: string) => void,
  ending?: AbortSignal,
): Promise<string> {
  if (!findOnPath('go')) {
    throw new Error(
      'No Temporal server was found. Install the Temporal CLI (temporal on the PATH), or Go 1.26 to build it, or set TEMPORAL_ADDRESS.',
    );
  }
  mkdirSync(folder, { recursive: true });
  const startedAt = Date.now();
  const tell = (): void => {
    const seconds = Math.round((Date.now() - startedAt) / 1_000);
    onProgress(
      `Building the Temporal server with Go, once (${seconds} s; about 5 minutes on 2 cores)`,
    );
  };
  tell();
  const timer = setInterval(tell, 10_000);
  const unfinished = `${binary}.${process.pid}`;
  const built = await runToEnd(
    'go',
    ['build', '-o', unfinished, 'github.com/temporalio/cli/cmd/temporal'],
    { cwd: TOOL, env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly' }, ending },
  );
  clearInterval(timer);
  ending?.throwIfAborted();
  if (built.status !== 0)
    throw new Error(`Building the Temporal server failed:\n${built.complaints}`);
  renameSync(unfinished, binary);
  return binary;
}

export interface TemporalOptions {
  readonly binary: string;
  readonly port: number;
  readonly namespace: string;
  /** Where the Web UI listens; without one there is none. */
  readonly uiPort?: number;
  /** The database file; without one everything is in memory. */
  readonly dbFile?: string;
  /** On a machine shared with the rest: what must arrive now goes before what waits. */
  readonly yields?: boolean;
}

/** Starts a Temporal server, detached in a group of its own; ready once `waitForTemporal` says so. */
export function spawnTemporal(
  options: TemporalOptions,
  log: 'ignore' | number,
  detached = false,
): ChildProcess {
  const limits = {
    'frontend.namespaceRPS': 20_000,
    'frontend.rps': 20_000,
    'history.rps': 20_000,
    'matching.rps': 20_000,
    'frontend.namespaceCount': 10_000,
  };
  const args = [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(options.port)],
    ...['--namespace', options.namespace, '--log-level', 'warn'],
    ...['OrgId', 'EndpointId', 'EventType'].flatMap((name) => [
      '--search-attribute',
      `${name}=Keyword`,
    ]),
    ...Object.entries(limits).flatMap(([key, value]) => [
      '--dynamic-config-value',
      `${key}=${value}`,
    ]),
    ...(options.uiPort === undefined ? ['--headless'] : ['--ui-port', String(options.uiPort)]),
    ...(options.dbFile === undefined ? [] : ['--db-filename', options.dbFile]),
  ];
  const how: SpawnOptions = { stdio: ['ignore', log, log], detached };
  if (!options.yields || process.platform === 'win32') {
    return spawn(options.binary, args, how);
  }
  // `nice` becomes the server: the pid is the server's own.
  return spawn('nice', ['-n', '5', options.binary, ...args], how);
}

/** Waits until the server answers for the namespace. Throws after 30 s. */
export async function waitForTemporal(address: string, namespace: string): Promise<void> {
  const until = Date.now() + READY_MS;
  for (;;) {
    try {
      const connection = await Connection.connect({ address, connectTimeout: 1_000 });
      try {
        await connection.workflowService.describeNamespace({ namespace });
        return;
      } finally {
        await connection.close();
      }
    } catch (error) {
      if (Date.now() > until) throw new Error('Temporal did not come up', { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** Lets the namespace keep closed workflows for seven days, as a deployment does; the server makes it with one. Safe to repeat. */
export async function keepClosedWorkflows(address: string, namespace: string): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    await connection.workflowService.updateNamespace({
      namespace,
      config: { workflowExecutionRetentionTtl: msToTs('7 days') },
    });
  } finally {
    await connection.close();
  }
}

/** The class path of the time-skipping test server, resolved once with Maven. Throws where Maven or Java is missing. */
export function resolveTestServer(onProgress: (text: string) => void): string {
  const pom = join(repositoryRoot(), 'tools', 'temporal-test-server', 'pom.xml');
  const version = createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 12);
  const folder = join(cacheDir(), `temporal-test-server-${version}`);
  const classpath = join(folder, 'classpath');
  if (existsSync(classpath)) return classpath;
  for (const program of ['java', 'mvn']) {
    if (!findOnPath(program)) {
      throw new Error(
        `The tests in skipped time need ${program}: install a JDK (17 or newer) and Maven.`,
      );
    }
  }
  onProgress('Fetching the time-skipping test server with Maven, once');
  mkdirSync(folder, { recursive: true });
  const args = ['-q', '-f', pom, 'dependency:build-classpath', `-Dmdep.outputFile=${classpath}`];
  const { status, stderr, stdout } = spawnSync('mvn', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`Maven failed:\n${stdout}${stderr}`);
  return classpath;
}

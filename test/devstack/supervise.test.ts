import { spawn, type ChildProcess } from 'node:child_process';
import { supervise, type Supervised } from '../../devstack/supervise';
import { until } from '../support/until';

describe('keeping a child process running', () => {
  let kept: Supervised | undefined;
  afterEach(() => kept?.kill());

  const node = (program: string): ChildProcess =>
    spawn(process.execPath, ['-e', program], { stdio: 'ignore' });
  const lasting = (): ChildProcess => node('setInterval(() => undefined, 1000)');

  it('takes a start that throws for a death, says so, and starts it again', async () => {
    const starts = [
      () => node('process.exit(3)'),
      () => {
        throw new Error('no space left on device');
      },
      lasting,
    ];
    const deaths: string[] = [];
    kept = supervise({
      name: 'x',
      start: () => (starts.shift() ?? lasting)(),
      onStart: () => undefined,
      onDeath: (how) => void deaths.push(how),
    });
    await until(
      async () => [starts.length, kept?.pid()] as const,
      ([left, pid]) => left === 0 && pid !== undefined,
    );
    expect(deaths).toEqual(['exit code 3', 'no space left on device']);
  });

  it('waits longer each time for one that dies soon, and not at all for one that had run ten seconds', async () => {
    let ranMs = 0;
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => ranMs);
    const gaps: number[] = [];
    try {
      kept = supervise({
        name: 'x',
        start: lasting,
        onStart: () => undefined,
        onDeath: (_how, gapMs) => void gaps.push(gapMs),
      });
      for (const lifeMs of [0, 9_999, 0, 10_000, 0]) {
        const pid = await until(
          async () => kept?.pid(),
          (started) => started !== undefined,
        );
        ranMs += lifeMs;
        const seen = gaps.length;
        process.kill(pid ?? 0, 'SIGKILL');
        await until(
          async () => gaps.length,
          (count) => count > seen,
        );
      }
    } finally {
      clock.mockRestore();
    }
    expect(gaps).toEqual([0, 500, 1_000, 0, 500]);
  });

  it('leaves nothing behind that its owner could not be told of', async () => {
    const pids: number[] = [];
    const deaths: string[] = [];
    kept = supervise({
      name: 'x',
      start: lasting,
      onStart(pid) {
        pids.push(pid);
        if (pids.length === 1) throw new Error('no space left on device');
      },
      onDeath: (how) => void deaths.push(how),
    });
    await until(
      async () => pids.length,
      (started) => started === 2,
    );
    expect(deaths).toEqual(['SIGTERM']);
    expect(kept.pid()).toBe(pids[1]);
  });
});

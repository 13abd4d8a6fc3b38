import type { ChildProcess } from 'node:child_process';
import { supervise, type Supervised } from './supervise';

/** What is running so far, so that a start that fails or is interrupted can be undone. */
export class Children {
  readonly #children: Supervised[] = [];
  readonly #pids: Record<string, number> = {};
  readonly #ending = new AbortController();

  constructor(
    private readonly say: (text: string) => void,
    private readonly onPids: (pids: Readonly<Record<string, number>>) => void = () => undefined,
  ) {}

  get pids(): Readonly<Record<string, number>> {
    return { ...this.#pids };
  }

  /** Aborted once they are asked to end. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /** Starts a child and keeps it running. Throws once they are asked to end. */
  keep(name: string, start: () => ChildProcess, signal?: NodeJS.Signals): void {
    this.ending.throwIfAborted();
    const child = supervise({
      name,
      start,
      ...(signal ? { stopSignal: signal } : {}),
      onStart: (pid) => {
        this.#pids[name] = pid;
        this.onPids(this.pids);
      },
      onDeath: (how, gapMs) => this.say(`${name} died (${how}); starting it again in ${gapMs} ms`),
    });
    this.#children.push(child);
  }

  /** Asks each to end, the last started first, and waits until it has. */
  async stop(): Promise<void> {
    this.#ending.abort();
    for (const child of [...this.#children].reverse()) await child.stop();
  }

  /** Kills them all. */
  kill(): void {
    this.#ending.abort();
    for (const child of this.#children) child.kill();
  }
}

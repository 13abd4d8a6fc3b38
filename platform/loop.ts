import type { Log } from './log';
import { outside } from './trace';

/** Something done again and again: when woken, and every `pollMs` in case a wake-up was lost. Never twice at once, and on nobody’s behalf. */
export interface Loop {
  start(): void;
  wake(): void;
  /** Ends after the turn under way. */
  stop(): Promise<void>;
}

export function createLoop(options: {
  readonly name: string;
  readonly log: Log;
  readonly pollMs: number;
  /** One turn; answers whether another should follow at once. */
  readonly turn: () => Promise<boolean>;
}): Loop {
  const { name, log, pollMs, turn } = options;
  let running: Promise<void> | null = null;
  let again = false;
  let stopped = true;
  let timer: NodeJS.Timeout | undefined;
  let failures = 0;

  async function spin(): Promise<void> {
    let more = true;
    while ((more || again) && !stopped) {
      again = false;
      try {
        more = await turn();
        failures = 0;
      } catch (error) {
        failures += 1;
        if (failures === 1 || failures % 40 === 0)
          log.warn({ err: error }, `${name}: a turn failed`);
        return;
      }
    }
  }

  function wake(): void {
    if (stopped) return;
    again = true;
    running ??= outside(() =>
      spin().finally(() => {
        running = null;
        clearTimeout(timer);
        if (!stopped) timer = setTimeout(wake, pollMs);
      }),
    );
  }

  return {
    start() {
      stopped = false;
      wake();
    },
    wake,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}

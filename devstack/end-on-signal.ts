/** Signals within this time are one press of Ctrl-C: the terminal's, and the same handed on by a parent. */
const SAME_PRESS_MS = 1_000;

/** The first signal ends in order. Ctrl-C once more, when that takes too long, kills. */
export function endOnSignal(end: () => void, kill: () => void): void {
  let askedAt: number | null = null;
  const asked = (signal: NodeJS.Signals): void => {
    if (askedAt === null) {
      askedAt = performance.now();
      end();
    } else if (signal === 'SIGINT' && performance.now() - askedAt > SAME_PRESS_MS) {
      kill();
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, asked);
}

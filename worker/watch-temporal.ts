import type { NativeConnection } from '@temporalio/worker';
import type { Log } from '../platform/log';
import { createLoop } from '../platform/loop';

const ASK_MS = 5_000;
const ANSWER_MS = 3_000;

/** Whether Temporal answers, by its last answer. The SDK's own pollers try on for minutes and say nothing. */
export interface TemporalWatch {
  answers(): boolean;
  stop(): Promise<void>;
}

/** Asks for the namespace every few seconds, for as long as the connection is in use. */
export function watchTemporal(
  connection: NativeConnection,
  options: { readonly namespace: string; readonly log: Log },
): TemporalWatch {
  const { namespace, log } = options;
  let answers = true;
  const loop = createLoop({
    name: 'temporal watch',
    log,
    pollMs: ASK_MS,
    turn: async () => {
      const before = answers;
      try {
        await connection.withDeadline(Date.now() + ANSWER_MS, () =>
          connection.workflowService.describeNamespace({ namespace }),
        );
        answers = true;
        if (!before) log.info('Temporal answers again');
      } catch (error) {
        answers = false;
        if (before) log.warn({ err: error }, 'Temporal does not answer');
      }
      return false;
    },
  });
  loop.start();
  return { answers: () => answers, stop: () => loop.stop() };
}

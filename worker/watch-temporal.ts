import type { NativeConnection } from '@temporalio/worker';
import type { Log } from '../platform/log';
import { createLoop } from '../platform/loop';

const ASK_MS = 5_000;
/** How soon it is asked again that did not answer. */
const ASK_AGAIN_MS = 1_000;
const ANSWER_MS = 3_000;
/** One slow answer is a busy machine. */
const SILENT_AFTER = 2;

/** gRPC's CANCELLED, DEADLINE_EXCEEDED and UNAVAILABLE: nobody answered. Whatever else is refused is an answer. */
const SILENCE: readonly unknown[] = [1, 4, 14];

/** Whether Temporal answers, by its last answer. The SDK's own pollers try on for minutes and say nothing. */
export interface TemporalWatch {
  answers(): boolean;
  stop(): Promise<void>;
}

/** Asks for the namespace every few seconds, every second while it does not answer, for as long as the connection is in use. */
export function watchTemporal(
  connection: NativeConnection,
  options: { readonly namespace: string; readonly log: Log },
): TemporalWatch {
  const { namespace, log } = options;
  let unanswered = 0;
  let askAt = 0;
  const answers = (): boolean => unanswered < SILENT_AFTER;
  const loop = createLoop({
    name: 'temporal watch',
    log,
    pollMs: ASK_AGAIN_MS,
    turn: async () => {
      if (performance.now() < askAt) return false;
      const before = answers();
      const error = await connection
        .withDeadline(Date.now() + ANSWER_MS, () =>
          connection.workflowService.describeNamespace({ namespace }),
        )
        .then(
          () => null,
          (reason: unknown) => reason,
        );
      unanswered = isSilence(error) ? unanswered + 1 : 0;
      askAt = performance.now() + (unanswered > 0 ? 0 : ASK_MS);
      if (before && !answers()) log.warn({ err: error }, 'Temporal does not answer');
      if (!before && answers()) log.info('Temporal answers again');
      return false;
    },
  });
  loop.start();
  return { answers, stop: () => loop.stop() };
}

const isSilence = (error: unknown): boolean =>
  SILENCE.includes((error as { code?: unknown } | null)?.code);

import type { Client } from '@temporalio/client';
import type { Worker } from '@temporalio/worker';
import type { Log } from '../platform/log';
import type { Tracer } from '../platform/trace';
import { createWorkers, type Activities } from './run-workflows';
import { ensureSchedules, type RecurringWorkflow } from './schedules';
import { ensureSearchAttributes } from './search-attributes';
import { connectTemporal } from './temporal-connection';
import { watchTemporal, type TemporalWatch } from './watch-temporal';

const RESTART_MS = 1_000;

/** The worker's life with Temporal: connected and polling, or trying to be. Everything else goes on without it. */
export interface TemporalSession {
  start(): void;
  /** The client, while connected. */
  client(): Client | null;
  /** `up` while connected to a Temporal that answers. */
  state(): 'up' | 'away';
  stop(): Promise<void>;
}

export function createTemporalSession(options: {
  readonly address: string;
  readonly namespace: string;
  /** The file that holds the workflows' code. */
  readonly workflowBundle: string;
  readonly activities: Activities;
  /** Started again and again, by name. */
  readonly schedules: readonly RecurringWorkflow[];
  readonly log: Log;
  readonly tracer: Tracer | null;
}): TemporalSession {
  const { log } = options;
  let stopped = false;
  let workers: Worker[] = [];
  let client: Client | null = null;
  let watch: TemporalWatch | null = null;
  let life: Promise<void> = Promise.resolve();

  async function live(): Promise<void> {
    while (!stopped) {
      const temporal = await connectTemporal(options, log, () => stopped);
      if (!temporal) return;
      try {
        await ensureSearchAttributes(temporal.connection, options.namespace);
        workers = await createWorkers({ ...options, connection: temporal.connection });
        client = temporal.client;
        await ensureSchedules(client, options.schedules);
        if (!stopped) {
          watch = watchTemporal(temporal.connection, options);
          log.info('workflows are being worked on');
          await runAll(workers);
        }
      } catch (error) {
        log.warn({ err: error }, 'working on workflows ended; starting again');
        await new Promise((resolve) => setTimeout(resolve, RESTART_MS));
      } finally {
        workers = [];
        client = null;
        await watch?.stop();
        watch = null;
        await temporal.connection.close().catch(() => undefined);
      }
    }
  }

  return {
    start() {
      life = live();
    },
    client: () => client,
    state: () => (client && watch?.answers() ? 'up' : 'away'),
    async stop() {
      stopped = true;
      for (const worker of workers) shutdown(worker);
      await life;
    },
  };
}

/** Runs workers until all have ended. Where one ends by itself the others are shut down too; then throws its error. */
async function runAll(workers: readonly Worker[]): Promise<void> {
  const ends = await Promise.allSettled(
    workers.map((worker) =>
      worker.run().finally(() => {
        for (const other of workers) shutdown(other);
      }),
    ),
  );
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed) throw failed.reason;
}

function shutdown(worker: Worker): void {
  if (worker.getState() === 'RUNNING') worker.shutdown();
}

import type { Client } from '@temporalio/client';
import type { Worker } from '@temporalio/worker';
import type { DeliveryActivities } from '../activities/deliver-webhook';
import type { Log } from '../platform/log';
import { createDeliveriesWorker } from './run-workflows';
import { ensureSearchAttributes } from './search-attributes';
import { connectTemporal } from './temporal-connection';

const RESTART_MS = 1_000;

/** The worker's life with Temporal: connected and polling, or trying to be. Everything else goes on without it. */
export interface TemporalSession {
  start(): void;
  /** The client, while connected. */
  client(): Client | null;
  state(): 'up' | 'away';
  stop(): Promise<void>;
}

export function createTemporalSession(options: {
  readonly address: string;
  readonly namespace: string;
  /** The file that holds the workflows' code. */
  readonly workflowBundle: string;
  readonly activities: DeliveryActivities;
  readonly log: Log;
}): TemporalSession {
  const { log } = options;
  let stopped = false;
  let worker: Worker | null = null;
  let client: Client | null = null;
  let life: Promise<void> = Promise.resolve();

  async function live(): Promise<void> {
    while (!stopped) {
      const temporal = await connectTemporal(options, log, () => stopped);
      if (!temporal) return;
      try {
        await ensureSearchAttributes(temporal.connection, options.namespace);
        worker = await createDeliveriesWorker({ ...options, connection: temporal.connection });
        client = temporal.client;
        if (!stopped) {
          log.info('workflows are being worked on');
          await worker.run();
        }
      } catch (error) {
        log.warn({ err: error }, 'working on workflows ended; starting again');
        await new Promise((resolve) => setTimeout(resolve, RESTART_MS));
      } finally {
        worker = client = null;
        await temporal.connection.close().catch(() => undefined);
      }
    }
  }

  return {
    start() {
      life = live();
    },
    client: () => client,
    state: () => (client ? 'up' : 'away'),
    async stop() {
      stopped = true;
      if (worker?.getState() === 'RUNNING') worker.shutdown();
      await life;
    },
  };
}

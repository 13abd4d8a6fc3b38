import { join } from 'node:path';
import type { NativeConnection } from '@temporalio/worker';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import type { DeliveryActivities } from '../activities/deliver-webhook';
import type { Log } from '../platform/log';
import { DELIVERIES_QUEUE } from '../workflows/contracts';

/** Sends the SDK's own log lines through ours. Call once, before the first connection. */
export function installTemporalRuntime(log: Log): void {
  Runtime.install({
    shutdownSignals: [],
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
      log[level === 'ERROR' ? 'error' : 'warn']({ temporal: meta }, message);
    }),
  });
}

/** The bundle of the workflows' code that the build made. */
export function builtBundle(): string {
  return join(__dirname, '..', 'workflow-bundle.js');
}

/** Makes the worker of the deliveries queue on the process's connection. */
export function createDeliveriesWorker(options: {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly workflowBundle: string;
  readonly activities: DeliveryActivities;
}): Promise<Worker> {
  return Worker.create({
    workflowBundle: { codePath: options.workflowBundle },
    connection: options.connection,
    namespace: options.namespace,
    taskQueue: DELIVERIES_QUEUE,
    activities: { ...options.activities },
    maxConcurrentActivityTaskExecutions: 100,
    maxCachedWorkflows: 500,
    shutdownGraceTime: '25 s',
    shutdownForceTime: '30 s',
  });
}

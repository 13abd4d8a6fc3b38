import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { NativeConnection, WorkerOptions } from '@temporalio/worker';
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

/** Where the workflows' code is: a bundle made by the build, else the sources. */
function workflowCode():
  Pick<WorkerOptions, 'workflowBundle'> | Pick<WorkerOptions, 'workflowsPath'> {
  const codePath = join(__dirname, '..', 'workflow-bundle.js');
  if (existsSync(codePath)) return { workflowBundle: { codePath } };
  return { workflowsPath: require.resolve('../workflows') };
}

/** Makes the worker of the deliveries queue on the process's connection. */
export function createDeliveriesWorker(options: {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly activities: DeliveryActivities;
}): Promise<Worker> {
  return Worker.create({
    ...workflowCode(),
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

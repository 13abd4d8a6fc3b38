import { join } from 'node:path';
import type { NativeConnection } from '@temporalio/worker';
import { DefaultLogger, Runtime, Worker, type Logger } from '@temporalio/worker';
import type { ApprovalActivities } from '../activities/approve-budget';
import type { ArtifactActivities } from '../activities/build-artifact';
import type { DeliveryActivities } from '../activities/deliver-webhook';
import type { RetentionActivities } from '../activities/prune-records';
import type { RecoveryActivities } from '../activities/recover-endpoint';
import type { StripeActivities } from '../activities/stripe';
import type { MailActivities } from '../activities/send-mail';
import type { Log } from '../platform/log';
import type { Tracer } from '../platform/trace';
import { BUSINESS_QUEUE, DELIVERIES_QUEUE } from '../workflows/contracts';
import { traceActivities } from './trace-temporal';

/** Every call of the core tells each time that it tries again; that Temporal is away is told once, by its watch. */
const RETRIED = /^gRPC call \w+ retried/;

/** Writes lines of the SDK into our log, an error with its message and stack as any other of ours. */
export function temporalLogger(log: Log): Logger {
  return new DefaultLogger('WARN', ({ level, message, meta }) => {
    const as = RETRIED.test(message) ? 'debug' : level === 'ERROR' ? 'error' : 'warn';
    const { error: err, taskToken: _, ...temporal } = meta ?? {};
    log[as]({ temporal, ...(err === undefined ? {} : { err: err as unknown }) }, message);
  });
}

/** Sends the SDK's own log lines, those of its native core too, through ours. Call once, before the first connection. */
export function installTemporalRuntime(log: Log): void {
  Runtime.install({
    shutdownSignals: [],
    telemetryOptions: { logging: { forward: { level: 'WARN' } } },
    logger: temporalLogger(log),
  });
}

/** The bundle of the workflows' code that the build made. */
export function builtBundle(): string {
  return join(__dirname, '..', 'workflow-bundle.js');
}

/** The activities of both task queues. */
export interface Activities {
  readonly deliveries: DeliveryActivities & RecoveryActivities;
  readonly business: MailActivities &
    ApprovalActivities &
    ArtifactActivities &
    RetentionActivities &
    Partial<StripeActivities>;
}

export interface WorkersOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly workflowBundle: string;
  readonly activities: Activities;
  readonly tracer: Tracer | null;
}

/** Makes the workers of both task queues on the process's connection: a heavy export never delays a webhook. */
export async function createWorkers(options: WorkersOptions): Promise<Worker[]> {
  const { connection, namespace, workflowBundle, activities, tracer } = options;
  const shared = {
    workflowBundle: { codePath: workflowBundle },
    connection,
    namespace,
    shutdownGraceTime: '25 s',
    shutdownForceTime: '30 s',
    interceptors: { activity: tracer ? [traceActivities(tracer)] : [] },
  } as const;
  return [
    await Worker.create({
      ...shared,
      taskQueue: DELIVERIES_QUEUE,
      activities: { ...activities.deliveries },
      maxConcurrentActivityTaskExecutions: 100,
      maxCachedWorkflows: 500,
    }),
    await Worker.create({
      ...shared,
      taskQueue: BUSINESS_QUEUE,
      activities: { ...activities.business },
      // What is lost of a long activity when its worker dies is at most what it did in this time.
      maxHeartbeatThrottleInterval: '1 s',
      maxConcurrentActivityTaskExecutions: 20,
      maxCachedWorkflows: 100,
    }),
  ];
}

import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { Context } from '@temporalio/activity';
import type { Clock } from '../../platform/clock';
import { DELIVERIES_QUEUE } from '../../workflows/contracts';

const KEYWORD = 2;

/** The time of the server that skips it, as an activity sees it; outside of one, the time the test set. */
export function skippedClock(start: Date): Clock {
  return {
    now() {
      try {
        return new Date(Context.current().info.currentAttemptScheduledTimestampMs);
      } catch {
        return start;
      }
    },
  };
}

/** A Temporal server that skips time while a result is awaited. One test at a time. */
export async function openSkippedTime(): Promise<TestWorkflowEnvironment> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const path = process.env['TEST_TEMPORAL_TEST_SERVER'] ?? '';
  const env = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path } },
  });
  await env.connection.operatorService.addSearchAttributes({
    namespace: env.namespace ?? 'default',
    searchAttributes: { OrgId: KEYWORD, EndpointId: KEYWORD, EventType: KEYWORD },
  });
  return env;
}

/** A worker of a queue with the bundle that was made once for all tests. */
export function workOn(
  env: TestWorkflowEnvironment,
  activities: object,
  taskQueue: string = DELIVERIES_QUEUE,
): Promise<Worker> {
  return Worker.create({
    connection: env.nativeConnection,
    namespace: env.namespace ?? 'default',
    taskQueue,
    workflowBundle: { codePath: process.env['TEST_WORKFLOW_BUNDLE'] ?? '' },
    activities: { ...activities },
  });
}

import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import { BUSINESS_QUEUE } from '../workflows/contracts';

/** A workflow that is started again and again, one at a time. */
export interface RecurringWorkflow {
  readonly workflow: string;
  readonly everyMs: number;
}

/** Makes the schedules that aren't there yet; each is named after its workflow. Safe to repeat. */
export async function ensureSchedules(
  client: Client,
  wanted: readonly RecurringWorkflow[],
): Promise<void> {
  for (const { workflow, everyMs } of wanted) {
    try {
      await client.schedule.create({
        scheduleId: workflow,
        spec: { intervals: [{ every: everyMs }] },
        policies: { overlap: ScheduleOverlapPolicy.SKIP },
        action: {
          type: 'startWorkflow',
          workflowType: workflow,
          workflowId: workflow,
          taskQueue: BUSINESS_QUEUE,
        },
      });
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    }
  }
}

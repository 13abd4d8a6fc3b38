import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { createRetentionActivities } from '../../activities/prune-records';
import { DAY_MS } from '../../platform/clock';
import { createLog } from '../../platform/log';
import { BUSINESS_QUEUE, PRUNE_RECORDS } from '../../workflows/contracts';
import { openSandbox, type Sandbox } from '../support/sandbox';
import { openSkippedTime, workOn } from '../support/skipped-time';

describe('pruneRecords', () => {
  let env: TestWorkflowEnvironment;
  let sandbox: Sandbox;
  beforeAll(async () => {
    env = await openSkippedTime();
    sandbox = await openSandbox({ now: () => new Date() });
  }, 60_000);
  afterAll(async () => {
    await sandbox.close();
    await env.teardown();
  });

  it('drops what is old, says how much, and finds nothing the second time', async () => {
    const now = new Date(await env.currentTimeMs());
    await sandbox.db.query(
      `INSERT INTO request_records (recorded_at, request_id, org_id, livemode, meter_class, method, path, status, latency_ms)
       SELECT $1::timestamptz - n * interval '1 day', 'req_' || n, $2, true, 'control_plane', 'GET', '/', 200, 1
       FROM generate_series(86, 95) n`,
      [now, sandbox.orgId],
    );
    const activities = createRetentionActivities({
      db: sandbox.db,
      clock: { now: () => now },
      log: createLog('test', 'silent'),
      retentionDays: 90,
    });
    const worker = await workOn(env, activities, BUSINESS_QUEUE);
    const said = await worker.runUntil(async () => {
      const run = (workflowId: string): Promise<string> =>
        env.client.workflow.execute(PRUNE_RECORDS, { workflowId, taskQueue: BUSINESS_QUEUE });
      return [await run('prune-1'), await run('prune-2')];
    });
    expect(said).toEqual(['dropped: request_records 5', 'nothing was old enough']);
    const [left]: { oldest: Date }[] = await sandbox.db.query(
      `SELECT min(recorded_at) AS oldest FROM request_records`,
    );
    expect(now.getTime() - (left?.oldest.getTime() ?? 0)).toBeLessThanOrEqual(90 * DAY_MS);
  }, 60_000);
});

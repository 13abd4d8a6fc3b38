import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { createLog } from '../../platform/log';
import { createApprovalActivities } from '../../activities/approve-budget';
import { approvalMailing } from '../../entities/approval-mail';
import { readApproval } from '../../entities/budget-approval';
import { changeBudget } from '../../entities/change-budget';
import { supersedeApprovals } from '../../entities/decide-approval';
import { STANDARD_SCHEDULE } from '../../entities/delivery-schedule';
import { Member } from '../../entities/member';
import { openApproval } from '../../entities/open-approval';
import { User } from '../../entities/user';
import { HOUR_MS, invoicePeriod, MINUTE_MS } from '../../platform/clock';
import { newId } from '../../platform/ids';
import { APPROVE_BUDGET, approveBudgetId, BUSINESS_QUEUE } from '../../workflows/contracts';
import { testConfig } from '../support/config';
import { openSandbox, type Sandbox } from '../support/sandbox';
import { openSkippedTime, skippedClock, workOn } from '../support/skipped-time';

describe('approveBudget, in skipped time', () => {
  let env: TestWorkflowEnvironment;
  let sandbox: Sandbox;
  beforeAll(async () => {
    env = await openSkippedTime();
  }, 60_000);
  beforeEach(async () => {
    sandbox = await openSandbox(skippedClock(new Date(await env.currentTimeMs())));
  });
  afterEach(() => sandbox.close());
  afterAll(() => env.teardown());

  const now = async (): Promise<Date> => new Date(await env.currentTimeMs());
  const budget = (change: object, at: Date) =>
    sandbox.db.transaction((tx) => changeBudget(tx, sandbox.orgId, change, invoicePeriod(at)));

  /** An approval that was just opened, in an organization with one billing manager. */
  async function opened(): Promise<string> {
    const at = await now();
    const { db, orgId } = sandbox;
    const user = { id: newId('usr'), email: 'm@example.com', address: 'm@example.com', name: null };
    await db.getRepository(User).insert({ ...user, issuer: null, subject: null, createdAt: at });
    const member = { orgId, userId: user.id, role: 'owner' as const, createdAt: at };
    await db.getRepository(Member).insert(member);
    await budget({ spendCapCents: 1_000, approvalThresholdCents: 100 }, at);
    const asked = await db.transaction((tx) =>
      openApproval(tx, {
        orgId,
        period: invoicePeriod(at),
        requestedBy: 'key_x',
        requestId: 'req_x',
        now: at,
        schedule: STANDARD_SCHEDULE,
        mailing: mailing(),
      }),
    );
    return asked?.approval.id ?? '';
  }
  async function untilMonthEnds(): Promise<number> {
    const at = await now();
    return Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 1) - at.getTime();
  }
  const mailing = () => approvalMailing(testConfig(sandbox.url));

  function start(approvalId: string): Promise<WorkflowHandle> {
    return env.client.workflow.start(APPROVE_BUDGET, {
      workflowId: approveBudgetId(approvalId),
      taskQueue: BUSINESS_QUEUE,
      args: [{ approvalId }],
    });
  }

  async function run<Value>(act: () => Promise<Value>): Promise<Value> {
    const clock = skippedClock(await now());
    const activities = createApprovalActivities({
      log: createLog('test', 'silent'),
      db: sandbox.db,
      clock,
      schedule: STANDARD_SCHEDULE,
      mailing: mailing(),
      wake: () => undefined,
    });
    const worker = await workOn(env, activities, BUSINESS_QUEUE);
    return worker.runUntil(act);
  }

  const mailTimes = async (): Promise<number[]> => {
    const rows = await sandbox.db.query<{ created_at: Date }[]>(
      `SELECT created_at FROM mails WHERE subject LIKE 'Reminder%' ORDER BY created_at`,
    );
    return rows.map((row) => row.created_at.getTime());
  };

  it('reminds after 24 and 48 hours and expires after 72', async () => {
    await env.sleep((await untilMonthEnds()) + HOUR_MS);
    const approvalId = await opened();
    const { createdAt, expiresAt } = (await readApproval(sandbox.db, approvalId)) ?? {};
    const end = await run(async () => (await start(approvalId)).result());
    expect(end).toBe('expired');
    const after = await readApproval(sandbox.db, approvalId);
    expect(after?.status).toBe('expired');
    const lateMs = (after?.decidedAt?.getTime() ?? 0) - (expiresAt?.getTime() ?? 0);
    expect(lateMs).toBeGreaterThanOrEqual(0);
    expect(lateMs).toBeLessThan(MINUTE_MS);
    const reminders = (await mailTimes()).map((at) => at - (createdAt?.getTime() ?? 0));
    expect(reminders).toHaveLength(2);
    for (const [i, at] of reminders.entries()) {
      expect(at).toBeGreaterThanOrEqual((i + 1) * 24 * HOUR_MS);
      expect(at).toBeLessThan((i + 1) * 24 * HOUR_MS + MINUTE_MS);
    }
  }, 60_000);

  it('ends with the month, when that comes first', async () => {
    await env.sleep((await untilMonthEnds()) - 2 * HOUR_MS);
    const approvalId = await opened();
    const end = await run(async () => (await start(approvalId)).result());
    expect(end).toBe('expired');
    const { createdAt, expiresAt } = (await readApproval(sandbox.db, approvalId)) ?? {};
    expect(expiresAt?.toISOString()).toMatch(/-01T00:00:00.000Z$/);
    expect((expiresAt?.getTime() ?? 0) - (createdAt?.getTime() ?? 0)).toBeLessThan(2 * HOUR_MS);
    expect(await mailTimes()).toEqual([]);
  }, 60_000);

  it('ends superseded when the budget is changed, and approved by an operator’s signal', async () => {
    const first = await opened();
    const ends = await run(async () => {
      const handle = await start(first);
      await env.sleep(HOUR_MS);
      const at = await now();
      await budget({ approvalThresholdCents: 200 }, at);
      const actor = { type: 'system' as const, id: null };
      const about = { actor, requestId: 'req_y', now: at, schedule: STANDARD_SCHEDULE };
      await sandbox.db.transaction((tx) => supersedeApprovals(tx, sandbox.orgId, about));
      await handle.signal('wake');
      return handle.result();
    });
    expect(ends).toBe('superseded');
  }, 60_000);

  it('carries out the first good signal alone, and says why it did not carry out another', async () => {
    const approvalId = await opened();
    await run(async () => {
      const handle = await start(approvalId);
      await handle.signal('decide', { decision: 'approve', upToCents: 5_000 });
      await handle.signal('decide', { nonsense: true });
      await env.sleep(MINUTE_MS);
      expect((await readApproval(sandbox.db, approvalId))?.status).toBe('pending');
      await handle.signal('decide', { decision: 'approve', upToCents: 500, by: 'ops@example.com' });
      await handle.signal('decide', { decision: 'reject' });
      expect(await handle.result()).toBe('approved');
    });
    const after = await readApproval(sandbox.db, approvalId);
    expect(after).toMatchObject({ decidedBy: 'ops@example.com', approvedUpToMicros: 5_000_000n });
    const [{ count }] = await sandbox.db.query<[{ count: number }]>(
      `SELECT count(*)::int FROM audit_records WHERE action = 'budget_approval.approved'`,
    );
    expect(count).toBe(1);
  }, 60_000);

  it('ends withdrawn by its signal', async () => {
    const approvalId = await opened();
    const end = await run(async () => {
      const handle = await start(approvalId);
      await handle.signal('withdraw');
      return handle.result();
    });
    expect(end).toBe('withdrawn');
  }, 60_000);
});

describe('the activities of approvals', () => {
  it('do nothing a second time', async () => {
    const sandbox = await openSandbox({ now: () => new Date('2026-03-10T00:00:00Z') });
    const { db, orgId } = sandbox;
    const now = new Date('2026-03-10T00:00:00Z');
    const mailing = approvalMailing(testConfig(sandbox.url));
    await db.transaction((tx) => changeBudget(tx, orgId, { approvalThresholdCents: 1 }, '2026-03'));
    const opening = { orgId, period: '2026-03', requestedBy: 'key_x', requestId: 'req_x', now };
    const asked = await db.transaction((tx) =>
      openApproval(tx, { ...opening, schedule: STANDARD_SCHEDULE, mailing }),
    );
    const id = asked?.approval.id ?? '';
    const clock = { now: () => now };
    const activities = createApprovalActivities({
      log: createLog('test', 'silent'),
      db,
      clock,
      schedule: STANDARD_SCHEDULE,
      mailing,
      wake: () => undefined,
    });
    await activities.remindApprovers(id, 1);
    await activities.remindApprovers(id, 1);
    expect((await readApproval(db, id))?.reminders).toBe(1);
    const most = { decision: 'approve' as const, upToCents: Number.MAX_SAFE_INTEGER };
    expect(await activities.decideBudgetApproval(id, most)).toContain('upToCents must be');
    const approve = {
      decision: 'approve' as const,
      upToCents: 50,
      note: 'a\u0000\ud800b',
      by: 'x\u0000',
    };
    expect(await activities.decideBudgetApproval(id, approve)).toBeNull();
    const first = await readApproval(db, id);
    expect(await activities.decideBudgetApproval(id, approve)).toBeNull();
    expect(first).toMatchObject({ note: 'a\ufffdb', decidedBy: 'x' });
    expect(await activities.decideBudgetApproval(id, { decision: 'reject' })).toContain('approved');
    await activities.expireBudgetApproval(id);
    expect(await readApproval(db, id)).toEqual(first);
    const [{ events }] = await db.query<[{ events: number }]>(
      `SELECT count(*)::int AS events FROM events WHERE type = 'billing.budget.approval_resolved'`,
    );
    expect(events).toBe(1);
    await sandbox.close();
  });
});

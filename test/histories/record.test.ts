import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import type { Worker } from '@temporalio/worker';
import type { ApprovalView } from '../../activities/approve-budget';
import { repositoryRoot } from '../../devstack/repository-root';
import { startReceiver } from '../../devstack/receiver';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../platform/clock';
import {
  APPROVE_BUDGET,
  BUILD_ARTIFACT,
  BUSINESS_QUEUE,
  DELIVER_WEBHOOK,
  deliverWebhookId,
  DELIVERIES_QUEUE,
  PRUNE_RECORDS,
  END_GRACE,
  endGraceId,
  RECONCILE_CHECKOUT,
  RECOVER_ENDPOINT,
  recoverEndpointId,
  SEND_MAIL,
} from '../../workflows/contracts';
import { startRecovery } from '../../entities/start-recovery';
import { failedDeliveries } from '../support/failed-deliveries';
import { openSandbox } from '../support/sandbox';
import { openSkippedTime, skippedClock, workOn } from '../support/skipped-time';

const asked = process.env['RECORD_HISTORIES'] === '1' ? describe : describe.skip;

/** Writes the histories that replay.test.ts replays: RECORD_HISTORIES=1 npx jest test/histories/record */
asked('recording histories', () => {
  let env: TestWorkflowEnvironment;
  const version = new Date().toISOString().slice(0, 10);
  beforeAll(async () => {
    env = await openSkippedTime();
  }, 60_000);
  afterAll(() => env.teardown());

  async function save(workflowId: string, name: string): Promise<void> {
    const history = await env.client.workflow.getHandle(workflowId).fetchHistory();
    const file = join(repositoryRoot(), 'test', 'histories', 'recorded', `${name}.${version}.json`);
    const text = historyToJSON(history).replace(/"identity": *"[^"]*"/g, '"identity": "recorded"');
    writeFileSync(file, `${text}\n`);
  }

  it('of deliveries', async () => {
    const sandbox = await openSandbox(skippedClock(new Date(await env.currentTimeMs())));
    const receiver = await startReceiver();
    const worker: Worker = await workOn(env, sandbox.activities);
    await worker.runUntil(async () => {
      for (const [name, path] of [
        ['retried', '/fail/3'],
        ['failed', '/fail'],
        ['cancelled', '/fail'],
      ] as const) {
        await sandbox.newEndpoint(receiver.url + path, {
          subscribedEventTypes: [`record.${name}`],
        });
        const event = await sandbox.publish({
          now: new Date(await env.currentTimeMs()),
          type: `record.${name}`,
        });
        const { id } = await sandbox.delivery(event.id);
        const workflowId = deliverWebhookId(id);
        const handle = await env.client.workflow.start(DELIVER_WEBHOOK, {
          workflowId,
          taskQueue: DELIVERIES_QUEUE,
          args: [{ deliveryId: id }],
        });
        await env.sleep(5 * SECOND_MS);
        if (name === 'retried')
          await handle.signal('replay', { replayId: `rpl_${'0'.repeat(32)}` });
        if (name === 'retried') await handle.signal('wake');
        await env.sleep(5 * SECOND_MS);
        if (name === 'cancelled') await handle.signal('cancel');
        await handle.result();
        await save(workflowId, `deliver-webhook.${name}`);
        receiver.clear();
      }
    });
    await receiver.close();
    await sandbox.close();
  }, 120_000);

  it('of upkeep', async () => {
    const worker = await workOn(env, { pruneRecords: async () => ({ events: 3 }) }, BUSINESS_QUEUE);
    await worker.runUntil(async () => {
      const workflowId = 'record-prune';
      await env.client.workflow.execute(PRUNE_RECORDS, { workflowId, taskQueue: BUSINESS_QUEUE });
      await save(workflowId, 'prune-records.done');
    });
  }, 60_000);

  it('of recoveries', async () => {
    const sandbox = await openSandbox(skippedClock(new Date(await env.currentTimeMs())));
    const receiver = await startReceiver();
    const worker = await workOn(env, sandbox.activities);
    await worker.runUntil(async () => {
      for (const [name, path] of [
        ['done', '/fail/1'],
        ['cancelled', '/fail'],
      ] as const) {
        const now = new Date(await env.currentTimeMs());
        const since = new Date(now.getTime() - HOUR_MS);
        const endpoint = await sandbox.newEndpoint(receiver.url + path);
        await failedDeliveries(sandbox.db, endpoint, 40, since);
        const range = { since, until: now, perSecond: 5, requestId: `req_${'0'.repeat(32)}`, now };
        const { id } = await sandbox.db.transaction((tx) => startRecovery(tx, endpoint, range));
        const handle = await env.client.workflow.start(RECOVER_ENDPOINT, {
          workflowId: recoverEndpointId(id),
          taskQueue: DELIVERIES_QUEUE,
          args: [{ recoveryId: id }],
        });
        if (name === 'cancelled') {
          for (const signal of ['pause', 'wake', 'resume', 'resume', 'cancel']) {
            await env.sleep(5 * SECOND_MS);
            await handle.signal(signal);
          }
        }
        await handle.result();
        await save(recoverEndpointId(id), `recover-endpoint.${name}`);
      }
    });
    await receiver.close();
    await sandbox.close();
  }, 120_000);

  it('of artifacts', async () => {
    const ready = { status: 'ready', records: 3, byteLength: 300, error: null };
    const activities = {
      async buildArtifact(id: string) {
        if (id === 'ready') return ready;
        for (;;) {
          Context.current().heartbeat();
          await Context.current().sleep(50);
        }
      },
      failArtifact: async (_id: string, error: string) => ({ ...ready, status: 'failed', error }),
    };
    const worker = await workOn(env, activities, BUSINESS_QUEUE);
    await worker.runUntil(async () => {
      for (const name of ['ready', 'cancelled']) {
        const workflowId = `record-artifact-${name}`;
        const handle = await env.client.workflow.signalWithStart(BUILD_ARTIFACT, {
          workflowId,
          taskQueue: BUSINESS_QUEUE,
          args: [{ artifactId: name }],
          signal: 'wake',
        });
        if (name === 'cancelled') await handle.signal('cancel');
        await handle.result();
        await save(workflowId, `build-artifact.${name}`);
      }
    });
  }, 60_000);

  it('of approvals and mails', async () => {
    const polls = { status: 'open', createdAt: 0 };
    const view: { current: ApprovalView | null } = { current: null };
    const activities = {
      readBudgetApproval: async () => view.current,
      remindApprovers: async (_id: string, n: number) => {
        if (view.current) view.current = { ...view.current, reminders: n };
      },
      expireBudgetApproval: async () => {
        if (view.current) view.current = { ...view.current, status: 'expired' };
      },
      decideBudgetApproval: async () => {
        if (view.current) view.current = { ...view.current, status: 'approved' };
        return null;
      },
      withdrawBudgetApproval: async () => null,
      sendMail: async () => 'sent',
      pollCheckout: async () => ({ ...polls, planKey: 'team', hasSession: true }),
    };
    const worker = await workOn(env, activities, BUSINESS_QUEUE);
    await worker.runUntil(async () => {
      for (const name of ['expired', 'decided'] as const) {
        const now = await env.currentTimeMs();
        view.current = {
          status: 'pending',
          createdAt: now,
          expiresAt: now + 72 * HOUR_MS,
          reminders: 0,
          ceilingCents: 100,
          period: '2026-03',
          decidedBy: null,
          approvedUpToCents: null,
        };
        const workflowId = `record-approval-${name}`;
        const handle = await env.client.workflow.start(APPROVE_BUDGET, {
          workflowId,
          taskQueue: BUSINESS_QUEUE,
          args: [{ approvalId: `bap_${'0'.repeat(32)}` }],
        });
        if (name === 'decided') {
          await env.sleep(25 * HOUR_MS);
          await handle.signal('wake');
          await handle.signal('decide', { decision: 'approve' });
        }
        await handle.result();
        await save(workflowId, `approve-budget.${name}`);
      }
      const startedAt = await env.currentTimeMs();
      const checkout = await env.client.workflow.start(RECONCILE_CHECKOUT, {
        workflowId: 'record-checkout',
        taskQueue: BUSINESS_QUEUE,
        args: [{ checkoutId: `chk_${'0'.repeat(32)}` }],
      });
      polls.createdAt = startedAt;
      await env.sleep(5 * MINUTE_MS);
      await checkout.signal('stripeSaid', 'evt_x');
      await env.sleep(MINUTE_MS);
      polls.status = 'completed';
      await checkout.signal('wake');
      await checkout.result();
      await save('record-checkout', 'reconcile-checkout.completed');
      const mail = await env.client.workflow.start(SEND_MAIL, {
        workflowId: 'record-mail',
        taskQueue: BUSINESS_QUEUE,
        args: [{ mailId: `mail_${'0'.repeat(32)}` }],
      });
      await mail.result();
      await save('record-mail', 'send-mail.sent');
    });
  }, 120_000);

  it('of times of grace', async () => {
    const orgId = `org_${'0'.repeat(32)}`;
    const view = { isRunning: true, billingState: 'payment_failed', planKey: 'team', endsAt: 0 };
    const activities = {
      readGrace: async () => view,
      endGrace: async () => {
        Object.assign(view, { isRunning: false, billingState: 'restricted_read_only' });
        return view;
      },
    };
    const worker = await workOn(env, activities, BUSINESS_QUEUE);
    await worker.runUntil(async () => {
      for (const name of ['restricted', 'recovered'] as const) {
        const endsAt = (await env.currentTimeMs()) + 7 * 24 * HOUR_MS;
        Object.assign(view, { isRunning: true, billingState: 'payment_failed', endsAt });
        const handle = await env.client.workflow.start(END_GRACE, {
          workflowId: endGraceId(orgId),
          taskQueue: BUSINESS_QUEUE,
          args: [{ orgId }],
        });
        if (name === 'recovered') {
          await env.sleep(24 * HOUR_MS);
          Object.assign(view, { isRunning: false, billingState: 'team_active' });
          await handle.signal('wake');
        }
        await handle.result();
        await save(endGraceId(orgId), `end-grace.${name}`);
      }
    });
  }, 120_000);
});

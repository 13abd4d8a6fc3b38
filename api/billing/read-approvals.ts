import { z } from 'zod';
import { listApprovals, requireApproval, statusAt } from '../../entities/budget-approval';
import { pageOf } from '../http/cursor';
import { operation, type Caller } from '../http/operation';
import { cursor, id, limit, listOf, waitSeconds } from '../http/schemas';
import { Fault } from '../../platform/fault';
import { pause } from '../../platform/pause';
import { APPROVAL_STATUSES, approvalReply, presentApproval } from './present-approval';

const FIRST_PAUSE_MS = 50;
const MOST_PAUSE_MS = 500;

/** Approvals are live: a test key doesn't see them. Throws not_found. */
export function requireLiveSight(caller: Caller): void {
  if (!caller.livemode) throw new Fault('not_found');
}

export const listBudgetApprovals = operation({
  name: 'listBudgetApprovals',
  method: 'get',
  path: '/v1/billing/budget/approvals',
  summary: 'List what was asked for over the threshold, newest first',
  tag: 'billing',
  scope: 'billing:manage',
  transaction: 'none',
  input: z.object({ status: z.enum(APPROVAL_STATUSES).optional(), limit, cursor }),
  reply: listOf(approvalReply),
  async handle({ tx, input, caller, now, context: { cursors } }) {
    const { orgId } = caller;
    if (!caller.livemode) {
      return { object: 'list' as const, data: [], hasMore: false, nextCursor: null };
    }
    const after =
      input.cursor === undefined ? null : cursors.decode('approvals', orgId, input.cursor);
    const status = input.status ?? null;
    const rows = await listApprovals(tx, orgId, { status, after, limit: input.limit, now });
    return pageOf(
      rows,
      input.limit,
      (row) => presentApproval(row, now),
      (row) => cursors.encode('approvals', orgId, row.id),
    );
  },
});

export const getBudgetApproval = operation({
  name: 'getBudgetApproval',
  method: 'get',
  path: '/v1/billing/budget/approvals/:approvalId',
  summary: 'Show an approval',
  tag: 'billing',
  scope: 'billing:manage',
  transaction: 'none',
  input: z.object({ approvalId: id('bap') }),
  reply: approvalReply,
  async handle({ tx, input, caller, now }) {
    requireLiveSight(caller);
    return presentApproval(await requireApproval(tx, input.approvalId, caller.orgId), now);
  },
});

export const waitForBudgetApproval = operation({
  name: 'waitForBudgetApproval',
  method: 'get',
  path: '/v1/billing/budget/approvals/:approvalId/wait',
  summary: 'Wait until an approval is decided, up to 30 seconds',
  tag: 'billing',
  scope: 'billing:manage',
  transaction: 'own',
  input: z.object({
    approvalId: id('bap'),
    seconds: waitSeconds(30),
  }),
  reply: approvalReply,
  async handle({ tx, input, caller, context }) {
    requireLiveSight(caller);
    const until = performance.now() + input.seconds * 1_000;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, MOST_PAUSE_MS)) {
      const approval = await requireApproval(tx, input.approvalId, caller.orgId);
      const now = context.clock.now();
      const leftMs = until - performance.now();
      const waits = statusAt(approval, now) === 'pending' && leftMs > 0 && !context.leaving.aborted;
      if (!waits) return presentApproval(approval, now);
      await pause(Math.min(pauseMs, leftMs), context.leaving);
    }
  },
});

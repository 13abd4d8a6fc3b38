import type Router from '@koa/router';
import type { Context } from 'koa';
import { appendAudit } from '../../entities/audit-record';
import {
  readApproval,
  statusAt,
  type ApprovalStatus,
  type BudgetApproval,
} from '../../entities/budget-approval';
import { billingManagers } from '../../entities/billing-managers';
import { decideApproval } from '../../entities/decide-approval';
import { isId } from '../../platform/ids';
import { centsFromMicros } from '../../platform/money';
import { callerAddress } from '../http/caller-address';
import { asFault } from '../http/error-body';
import type { ApiContext } from '../http/operation';
import type { RequestState } from '../http/request-state';
import { answerPage, html, readForm } from './page';

const PATH = '/approvals/decide';

interface Link {
  readonly id: string;
  readonly by: string;
  readonly token: string;
}

/** The page behind the link in an approval's mail: looking changes nothing, its buttons decide, once. */
export function mountDecideApproval(router: Router, context: ApiContext): void {
  router.get(PATH, async (ctx: Context) => {
    const link = linkOf(new URLSearchParams(ctx.querystring));
    const approval = await approvalOf(context, link);
    if (!approval) return notValid(ctx);
    const status = statusAt(approval, context.clock.now());
    return answerPage(
      ctx,
      200,
      'Spend over the threshold',
      describe(approval, status) + buttons(status, link),
    );
  });

  router.post(PATH, async (ctx: Context) => {
    const form = await readForm(ctx);
    const link = linkOf(form);
    const approval = await approvalOf(context, link);
    const act = form.get('decision');
    if (!approval || (act !== 'approve' && act !== 'reject')) return notValid(ctx);
    try {
      const decided = await decide(context, ctx, approval, link.by, act);
      answerPage(ctx, 200, `It is ${decided.status}`, describe(decided, decided.status));
    } catch (error) {
      const fault = asFault(error);
      if (fault.status >= 500) throw error;
      const body = html`<p class="bad">${fault.message}</p>
        <p>${fault.hint ?? ''}</p>`;
      answerPage(ctx, fault.status, 'That did not work', body);
    }
  });
}

const notValid = (ctx: Context): void =>
  answerPage(ctx, 403, 'This link is not valid', html`<p>Use the link of the mail, unchanged.</p>`);

function linkOf(fields: URLSearchParams): Link {
  const field = (name: string): string => fields.get(name) ?? '';
  return { id: field('id'), by: field('by'), token: field('token') };
}

/** The approval that a link is for; null for a link that we did not sign, or of somebody who manages billing no more. */
async function approvalOf(context: ApiContext, link: Link): Promise<BudgetApproval | null> {
  if (!isId('bap', link.id) || !isId('usr', link.by)) return null;
  if (!context.approvalMailing.links.verify(link.token, link.id, link.by)) return null;
  const approval = await readApproval(context.db, link.id);
  if (!approval) return null;
  const managers = await billingManagers(context.db, approval.orgId);
  return managers.some(({ userId }) => userId === link.by) ? approval : null;
}

function decide(
  context: ApiContext,
  ctx: Context,
  { id, orgId }: BudgetApproval,
  userId: string,
  act: 'approve' | 'reject',
): Promise<BudgetApproval> {
  const now = context.clock.now();
  const { requestId } = ctx.state as RequestState;
  const ip = callerAddress(ctx.req, context.config.TRUSTED_PROXIES);
  return context.db
    .transaction(async (tx) => {
      const { approval, fact } = await decideApproval(tx, {
        approvalId: id,
        orgId,
        act,
        upToMicros: null,
        note: null,
        by: userId,
        actor: { type: 'user', id: userId },
        requestId,
        now,
        schedule: context.schedule,
      });
      if (fact) await appendAudit(tx, orgId, [{ ...fact, ip }], now);
      return approval;
    })
    .finally(() => {
      context.wake('command');
      context.wake('delivery');
    });
}

const dollars = (micros: bigint): string => `$${(centsFromMicros(micros) / 100).toFixed(2)}`;

function describe(approval: BudgetApproval, status: ApprovalStatus): string {
  const { period, ceilingMicros, accruedMicros, requestedBy, expiresAt } = approval;
  const upTo = approval.approvedUpToMicros;
  const approved =
    upTo === null
      ? ''
      : html`<dt>Approved up to</dt>
          <dd>${dollars(upTo)}</dd>`;
  return html`<dl>
    <dt>Month</dt>
    <dd>${period}</dd>
    <dt>Used when asked</dt>
    <dd>${dollars(accruedMicros)}</dd>
    <dt>Allowed so far</dt>
    <dd>${dollars(ceilingMicros)}</dd>
    <dt>Asked by</dt>
    <dd>${requestedBy}</dd>
    <dt>Status</dt>
    <dd>${status}</dd>
    <dt>Expires</dt>
    <dd>${expiresAt.toISOString()}</dd>
  </dl>`.concat(approved, '</dl>');
}

function buttons(status: ApprovalStatus, { id, by, token }: Link): string {
  if (status !== 'pending') return '';
  return html`<form method="post" action="${PATH}">
    <input type="hidden" name="id" value="${id}" /><input
      type="hidden"
      name="by"
      value="${by}"
    /><input type="hidden" name="token" value="${token}" /><button name="decision" value="approve">
      Approve up to the cap</button
    ><button class="quiet" name="decision" value="reject">Reject</button>
  </form>`;
}

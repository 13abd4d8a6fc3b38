import type Router from '@koa/router';
import type { Context } from 'koa';
import { acceptInvitation } from '../../entities/accept-invitation';
import { appendAudit } from '../../entities/audit-record';
import { hashInvitationToken, Invitation, invitationStatus } from '../../entities/invitation';
import { Organization } from '../../entities/organization';
import { Fault } from '../../platform/fault';
import { callerAddress } from '../http/caller-address';
import { asFault } from '../http/error-body';
import { limitFailures, limitGuesses } from '../http/limit-requests';
import type { ApiContext } from '../http/operation';
import type { RequestState } from '../http/request-state';
import { seatsOfPlan } from '../members/present-member';
import { answerPage, html, readForm } from './page';

const PATH = '/invitations/accept';

/** The page behind the link in an invitation's mail: looking changes nothing, its button accepts. */
export function mountAcceptInvitation(router: Router, context: ApiContext): void {
  router.get(PATH, async (ctx: Context) => {
    const token = String(ctx.query['token'] ?? '');
    const found = await readInvitation(context, token);
    if (!found) {
      await limitFailures(context, callerAddress(ctx.req, context.config.TRUSTED_PROXIES));
      return answerPage(ctx, 404, 'This link is not valid', html`<p>Ask for a new one.</p>`);
    }
    const { invitation, organization, status } = found;
    if (status !== 'pending') {
      const body = html`<p>The invitation for ${invitation.email} is ${status}.</p>`;
      return answerPage(ctx, 409, 'Nothing left to accept', body);
    }
    const body = html`<dl>
        <dt>Organization</dt>
        <dd>${organization}</dd>
        <dt>As</dt>
        <dd>${invitation.role}</dd>
        <dt>For</dt>
        <dd>${invitation.email}</dd>
      </dl>
      <form method="post" action="${PATH}">
        <input type="hidden" name="token" value="${token}" /><button>Join</button>
      </form>`;
    return answerPage(ctx, 200, `Join ${organization}`, body);
  });

  router.post(PATH, async (ctx: Context) => {
    try {
      const token = (await readForm(ctx)).get('token') ?? '';
      const orgId = await accept(context, ctx, token);
      const body = html`<p>
          You are a member now. Sign in with your provider to use the API as yourself.
        </p>
        <dl>
          <dt>Organization</dt>
          <dd>${orgId}</dd>
        </dl>`;
      answerPage(ctx, 200, 'Welcome', body);
    } catch (error) {
      await limitGuesses(context, callerAddress(ctx.req, context.config.TRUSTED_PROXIES), error);
      const fault = asFault(error);
      if (fault.status >= 500) throw error;
      const body = html`<p class="bad">${fault.message}</p>
        <p>${fault.hint ?? ''}</p>`;
      answerPage(ctx, fault.status, 'That did not work', body);
    }
  });
}

async function accept(context: ApiContext, ctx: Context, token: string): Promise<string> {
  if (token === '' || token.length > 200) throw new Fault('not_found');
  const now = context.clock.now();
  const { requestId } = ctx.state as RequestState;
  const ip = callerAddress(ctx.req, context.config.TRUSTED_PROXIES);
  return context.db.transaction(async (tx) => {
    const options = { token, signedIn: null, seatsOfPlan: seatsOfPlan(context), now };
    const { member, fact } = await acceptInvitation(tx, options);
    await appendAudit(tx, member.orgId, [{ ...fact, requestId, ip }], now);
    return member.orgId;
  });
}

async function readInvitation(context: ApiContext, token: string) {
  const invitation = await context.db
    .getRepository(Invitation)
    .findOneBy({ tokenHash: hashInvitationToken(token) });
  if (!invitation) return null;
  const { orgId } = invitation;
  const { name } = await context.db.getRepository(Organization).findOneByOrFail({ id: orgId });
  const status = invitationStatus(invitation, context.clock.now());
  return { invitation, organization: name ?? 'an organization', status };
}

import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { acceptInvitation, type SignedIn } from '../../entities/accept-invitation';
import { normalizeAddress } from '../../entities/user';
import { Fault } from '../../platform/fault';
import { credentialOf, identityOf } from '../http/authenticate-caller';
import { operation, type ApiContext } from '../http/operation';
import { text } from '../http/schemas';
import { memberReply, presentMember, seatsOfPlan } from './present-member';

export const acceptInvitationOperation = operation({
  name: 'acceptInvitation',
  method: 'post',
  path: '/v1/invitations/accept',
  summary:
    'Become a member with the token of an invitation; signed in, only by the invited address',
  tag: 'members',
  scope: 'public',
  transaction: 'one',
  audits: 'member.joined',
  input: z.object({ token: text(200, 1) }),
  reply: memberReply.extend({ orgId: z.string() }),
  before: ({ context, headers }) => signedInAs(context, headers),
  async handle({ tx, input, before: signedIn, now, context, audit }) {
    const { member, user, fact } = await acceptInvitation(tx, {
      token: input.token,
      signedIn,
      seatsOfPlan: seatsOfPlan(context),
      now,
    });
    audit(fact, member.orgId);
    return { ...presentMember(member, user), orgId: member.orgId };
  },
});

/** The person whose session came with the request; null without one. Throws authentication_failed for a bad one. */
async function signedInAs(
  context: ApiContext,
  headers: IncomingHttpHeaders,
): Promise<SignedIn | null> {
  const credential = credentialOf({ headers });
  if (!credential?.isBearer || !context.oidc) return null;
  const identity = await identityOf(context, credential.text);
  if (!identity) throw new Fault('authentication_failed');
  const { issuer, subject, name, verifiedEmail } = identity;
  if (verifiedEmail === null) {
    throw new Fault('insufficient_scope', {
      message: 'Your identity provider does not vouch for your address.',
      hint: 'Verify your address with the provider, then sign in again.',
      details: { required: [] },
    });
  }
  return { issuer, subject, name, address: normalizeAddress(verifiedEmail) };
}

import { z } from 'zod';
import { SCOPES } from '../../entities/api-key';
import { mintApiKey } from '../../entities/create-organization';
import { requireRoomForKey } from '../../entities/key-limits';
import { Organization } from '../../entities/organization';
import { emitEvent } from '../../entities/publish-event';
import { useBootstrapToken } from '../../entities/use-bootstrap-token';
import { newId } from '../../platform/ids';
import { accountReply, presentAccount } from '../billing/present-account';
import { limitsReply, presentLimits } from '../billing/present-limits';
import { operation } from '../http/operation';
import { text, timestamp } from '../http/schemas';
import { requireHeldScopes } from '../keys/held-scopes';
import { apiKeyReply, presentApiKey } from '../keys/present-api-key';
import { organizationReply, presentOrganization } from '../organizations/present-organization';
import { distributionReply, presentDistribution } from './distribution';

export const bootstrapAgent = operation({
  name: 'bootstrapAgent',
  method: 'post',
  path: '/v1/agent/bootstrap',
  summary: 'Exchange a bootstrap token, once, for a key and all that an agent needs to begin',
  tag: 'agents',
  scope: 'public',
  transaction: 'one',
  status: 201,
  audits: 'agent.bootstrapped',
  input: z.object({
    token: text(200, 1),
    label: text(200).nullish(),
    scopes: z.array(z.enum(SCOPES)).max(SCOPES.length).nullish(),
  }),
  reply: z.object({
    object: z.literal('agent_bootstrap'),
    organization: organizationReply,
    apiKey: apiKeyReply.extend({ secret: z.string() }),
    billing: accountReply,
    limits: limitsReply,
    distribution: distributionReply,
    sponsorToken: z.object({
      id: z.string(),
      expiresAt: timestamp,
      usedAt: timestamp.nullable(),
      scopes: z.array(z.string()),
    }),
  }),
  async handle({ tx, input, now, requestId, context, audit, afterCommit }) {
    const keyId = newId('key');
    const token = await useBootstrapToken(tx, input.token, keyId, now);
    const { orgId, livemode } = token;
    const scopes = [...new Set(input.scopes ?? token.scopes)];
    requireHeldScopes(scopes, token.scopes, 'The token does not hand on these scopes.');
    const organization = await tx.findOneByOrFail(Organization, { id: orgId });
    const included = context.catalog.plan(organization.planKey)?.apiKeysIncluded ?? 1;
    await requireRoomForKey(tx, orgId, included, now);
    const { key, secret } = await mintApiKey(tx, {
      id: keyId,
      orgId,
      livemode,
      scopes,
      label: input.label ?? token.label,
      now,
      createdBy: token.actorPrincipalId,
    });
    const facts = { label: key.label, scopes, livemode, keyPrefix: key.keyPrefix };
    await emitEvent(tx, {
      orgId,
      livemode,
      type: 'api_key.created',
      data: { apiKeyId: key.id, ...facts },
      requestId,
      now,
      schedule: context.schedule,
    });
    afterCommit(() => context.wake('delivery'));
    audit(
      {
        action: 'agent.bootstrapped',
        actor: { type: 'api_key', id: key.id },
        target: { type: 'agent_bootstrap_token', id: token.id },
        after: { apiKeyId: key.id, ...facts },
      },
      orgId,
    );
    const { catalog, config } = context;
    return {
      object: 'agent_bootstrap' as const,
      organization: presentOrganization(organization, livemode),
      apiKey: { ...presentApiKey(key), secret },
      billing: { ...(await presentAccount(tx, catalog, { orgId, livemode, now })), requestId },
      limits: { ...(await presentLimits(tx, catalog, orgId, now)), requestId },
      distribution: presentDistribution(config.PUBLIC_URL),
      sponsorToken: {
        id: token.id,
        expiresAt: token.expiresAt.toISOString(),
        usedAt: token.usedAt?.toISOString() ?? null,
        scopes: token.scopes,
      },
    };
  },
});

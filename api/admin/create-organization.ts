import { z } from 'zod';
import { SCOPES } from '../../entities/api-key';
import { createOrganization, mintApiKey } from '../../entities/create-organization';
import { invite } from '../../entities/invite';
import { invalidInput } from '../../platform/fault';
import { operation } from '../http/operation';
import { text } from '../http/schemas';
import { apiKeyReply, presentApiKey } from '../keys/present-api-key';
import { organizationReply, presentOrganization } from '../organizations/present-organization';

export const createOrganizationOperation = operation({
  name: 'createOrganization',
  method: 'post',
  path: '/v1/admin/orgs',
  summary: 'Create an organization, on a plan that is in force at once, and its first key',
  tag: 'operator',
  scope: 'admin:operator',
  transaction: 'one',
  status: 201,
  audits: 'organization.created',
  input: z.object({
    name: text(200, 1),
    planKey: z.string().max(64).nullish(),
    livemode: z.boolean().nullish(),
    /** Invited as the owner. */
    ownerEmail: z.string().trim().max(254).pipe(z.email()).nullish(),
  }),
  reply: organizationReply.extend({ apiKey: apiKeyReply.extend({ secret: z.string() }) }),
  async handle({ tx, input, now, caller, context, audit, afterCommit, requestId }) {
    const planKey = input.planKey ?? 'sandbox_grant';
    const livemode = input.livemode ?? true;
    if (!context.catalog.plan(planKey))
      throw invalidInput('planKey', 'is no plan of the catalogue');
    const organization = await createOrganization(tx, { name: input.name, planKey, now });
    const { key, secret } = await mintApiKey(tx, {
      orgId: organization.id,
      livemode,
      scopes: SCOPES.filter((scope) => scope !== 'admin:operator'),
      label: 'first key',
      now,
      createdBy: caller.principalId,
    });
    if (input.ownerEmail) {
      await invite(tx, {
        orgId: organization.id,
        email: input.ownerEmail,
        role: 'owner',
        invitedBy: caller.principalId,
        secrets: context.secrets,
        publicUrl: context.config.PUBLIC_URL,
        now,
        requestId,
      });
      afterCommit(() => context.wake('command'));
    }
    audit(
      {
        action: 'organization.created',
        target: { type: 'organization', id: organization.id },
        after: {
          name: organization.name,
          planKey,
          apiKeyId: key.id,
          ownerEmail: input.ownerEmail ?? null,
        },
      },
      organization.id,
    );
    return {
      ...presentOrganization(organization, livemode),
      apiKey: { ...presentApiKey(key), secret },
    };
  },
});

import { z } from 'zod';
import { lockOrganizationOr404 } from '../../entities/find-organization';
import { stateOfPlan } from '../../entities/organization';
import { invalidInput } from '../../platform/fault';
import { operation } from '../http/operation';
import { id } from '../http/schemas';
import { adminOrganizationReply, limitsOf, presentAdminOrganization } from './present-organization';

const count = z.int().min(1).max(1_000_000).nullish();

export const setLimits = operation({
  name: 'setLimits',
  method: 'put',
  path: '/v1/admin/orgs/:orgId/limits',
  summary: 'Override an organization’s limits (null: the plan’s) or put it on another plan',
  tag: 'operator',
  scope: 'admin:operator',
  transaction: 'one',
  audits: 'organization.limits_set',
  input: z.object({
    orgId: id('org'),
    requestsPerMinute: count,
    apiKeys: count,
    seats: count,
    planKey: z.string().max(64).nullish(),
  }),
  reply: adminOrganizationReply,
  async handle({ tx, input, context, audit }) {
    const { orgId, planKey } = input;
    if (planKey && !context.catalog.plan(planKey)) {
      throw invalidInput('planKey', 'is no plan of the catalogue');
    }
    const organization = await lockOrganizationOr404(tx, orgId);
    const before = { ...limitsOf(organization), planKey: organization.planKey };
    if (input.requestsPerMinute !== undefined)
      organization.requestsPerMinute = input.requestsPerMinute;
    if (input.apiKeys !== undefined) organization.apiKeyLimit = input.apiKeys;
    if (input.seats !== undefined) organization.seatLimit = input.seats;
    if (planKey) {
      organization.planKey = planKey;
      organization.billingState = stateOfPlan(planKey);
    }
    await tx.save(organization);
    const after = { ...limitsOf(organization), planKey: organization.planKey };
    const target = { type: 'organization', id: orgId };
    audit({ action: 'organization.limits_set', target, before, after }, orgId);
    return presentAdminOrganization(organization);
  },
});

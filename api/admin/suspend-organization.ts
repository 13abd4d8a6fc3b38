import { z } from 'zod';
import { lockOrganizationOr404 } from '../../entities/find-organization';
import { resumeOrganization, suspendOrganization } from '../../entities/suspend-organization';
import { operation } from '../http/operation';
import { id, text } from '../http/schemas';
import { adminOrganizationReply, presentAdminOrganization } from './present-organization';

const input = z.object({ orgId: id('org'), reason: text(500).nullish() });

export const suspendOrganizationOperation = operation({
  name: 'suspendOrganization',
  method: 'post',
  path: '/v1/admin/orgs/:orgId/suspend',
  summary: 'Suspend an organization: reads stay, billable work and deliveries wait',
  tag: 'operator',
  scope: 'admin:operator',
  transaction: 'one',
  audits: 'organization.suspended',
  input,
  reply: adminOrganizationReply,
  async handle({ tx, input: { orgId, reason }, now, audit }) {
    const organization = await lockOrganizationOr404(tx, orgId);
    if (await suspendOrganization(tx, organization, now)) {
      audit(
        {
          action: 'organization.suspended',
          target: { type: 'organization', id: orgId },
          before: { suspendedAt: null },
          after: { suspendedAt: now.toISOString(), reason: reason ?? null },
        },
        orgId,
      );
    }
    return presentAdminOrganization(organization);
  },
});

export const resumeOrganizationOperation = operation({
  name: 'resumeOrganization',
  method: 'post',
  path: '/v1/admin/orgs/:orgId/resume',
  summary: 'Resume a suspended organization: what became due is sent now',
  tag: 'operator',
  scope: 'admin:operator',
  transaction: 'one',
  audits: 'organization.resumed',
  input,
  reply: adminOrganizationReply,
  async handle({ tx, input: { orgId, reason }, now, audit, afterCommit, context }) {
    const organization = await lockOrganizationOr404(tx, orgId);
    const suspendedAt = organization.suspendedAt?.toISOString() ?? null;
    if (await resumeOrganization(tx, organization, now)) {
      audit(
        {
          action: 'organization.resumed',
          target: { type: 'organization', id: orgId },
          before: { suspendedAt },
          after: { suspendedAt: null, reason: reason ?? null },
        },
        orgId,
      );
      afterCommit(() => {
        context.wake('delivery');
        context.wake('command');
      });
    }
    return presentAdminOrganization(organization);
  },
});

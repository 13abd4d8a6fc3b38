import { z } from 'zod';
import { findOrganization } from '../../entities/find-organization';
import { diagnose, diagnosticsReply } from '../diagnostics/explain-request';
import { deliverySummaryReply, presentDeliverySummary } from '../diagnostics/summarize-deliveries';
import { operation } from '../http/operation';
import { id, limit, pastMoment, text } from '../http/schemas';

export const explainRequestOfOrganization = operation({
  name: 'explainRequestOfOrganization',
  method: 'get',
  path: '/v1/admin/orgs/:orgId/requests/:requestId',
  summary: 'Show everything that a request of an organization caused',
  tag: 'operator',
  scope: 'admin:operator',
  transaction: 'none',
  input: z.object({
    orgId: id('org'),
    requestId: text(64, 1),
    explain: z.enum(['true', 'false']).optional(),
  }),
  reply: diagnosticsReply,
  async handle({ tx, input, caller, context, now }) {
    const { id: orgId } = await findOrganization(tx, input.orgId);
    const explain = input.explain === 'true';
    const viewer = { caller, context, now };
    const { requestId } = input;
    return diagnose(tx, context, { viewer, orgId, testOnly: false, requestId, explain });
  },
});

export const summarizeDeliveriesOfOrganization = operation({
  name: 'summarizeDeliveriesOfOrganization',
  method: 'get',
  path: '/v1/admin/orgs/:orgId/deliveries/summary',
  summary: 'Count an organization’s attempts by endpoint, event type and status',
  tag: 'operator',
  scope: 'admin:operator',
  transaction: 'none',
  input: z.object({ orgId: id('org'), since: pastMoment, limit }),
  reply: deliverySummaryReply,
  async handle({ tx, input, now }) {
    const { id: orgId } = await findOrganization(tx, input.orgId);
    return presentDeliverySummary(tx, { orgId, testOnly: false }, input, now);
  },
});

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
  async handle({ tx, input, context }) {
    const { id: orgId } = await findOrganization(tx, input.orgId);
    const explain = input.explain === 'true';
    return diagnose(tx, context, { orgId, testOnly: false, requestId: input.requestId, explain });
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

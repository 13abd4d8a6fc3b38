import { z } from 'zod';
import type { Organization } from '../../entities/organization';
import { timestamp } from '../http/schemas';
import { organizationReply, presentOrganization } from '../organizations/present-organization';

/** An organization as operators see it. */
export const adminOrganizationReply = organizationReply.extend({
  planKey: z.string(),
  billingState: z.string(),
  suspendedAt: timestamp.nullable(),
  limits: z.object({
    requestsPerMinute: z.int().nullable(),
    apiKeys: z.int().nullable(),
    seats: z.int().nullable(),
  }),
});

/** `limits` holds what was set instead of the plan's; null: the plan's. */
export function presentAdminOrganization(
  organization: Organization,
): z.input<typeof adminOrganizationReply> {
  return {
    ...presentOrganization(organization, true),
    planKey: organization.planKey,
    billingState: organization.suspendedAt ? 'restricted_read_only' : organization.billingState,
    suspendedAt: organization.suspendedAt?.toISOString() ?? null,
    limits: limitsOf(organization),
  };
}

export function limitsOf({ requestsPerMinute, apiKeyLimit, seatLimit }: Organization) {
  return { requestsPerMinute, apiKeys: apiKeyLimit, seats: seatLimit };
}

import { z } from 'zod';
import type { Organization } from '../../entities/organization';
import { timestamp } from '../http/schemas';

export const organizationReply = z.object({
  object: z.literal('organization'),
  id: z.string(),
  createdAt: timestamp,
  livemode: z.boolean(),
  name: z.string().nullable(),
  metadata: z.record(z.string(), z.unknown()),
});

/** An organization as a caller of the given mode sees it. */
export function presentOrganization(
  organization: Organization,
  livemode: boolean,
): z.input<typeof organizationReply> {
  return {
    object: 'organization',
    id: organization.id,
    createdAt: organization.createdAt.toISOString(),
    livemode,
    name: organization.name,
    metadata: organization.metadata,
  };
}

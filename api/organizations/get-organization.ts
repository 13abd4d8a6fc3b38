import { z } from 'zod';
import { Organization } from '../../entities/organization';
import { operation } from '../http/operation';
import { organizationReply, presentOrganization } from './present-organization';

export const getOrganization = operation({
  name: 'getOrganization',
  method: 'get',
  path: '/v1/org',
  summary: 'Show the organization that the key belongs to',
  tag: 'identity',
  scope: 'read:sec',
  transaction: 'none',
  input: z.object({}),
  reply: organizationReply,
  async handle({ tx, caller }) {
    const organization = await tx.getRepository(Organization).findOneByOrFail({ id: caller.orgId });
    return presentOrganization(organization, caller.livemode);
  },
});

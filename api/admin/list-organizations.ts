import { z } from 'zod';
import { Organization } from '../../entities/organization';
import { pageOf } from '../http/cursor';
import { operation } from '../http/operation';
import { cursor, limit, listOf, text } from '../http/schemas';
import { adminOrganizationReply, presentAdminOrganization } from './present-organization';

export const listOrganizations = operation({
  name: 'listOrganizations',
  method: 'get',
  path: '/v1/admin/orgs',
  summary: 'List organizations, newest first; q searches names and ids',
  tag: 'operator',
  scope: 'admin:operator',
  transaction: 'none',
  input: z.object({ q: text(200).optional(), limit, cursor }),
  reply: listOf(adminOrganizationReply),
  async handle({ tx, input, caller: { orgId }, context: { cursors } }) {
    const query = tx.getRepository(Organization).createQueryBuilder('t');
    const wanted = input.q?.trim() ?? '';
    const list = `admin_orgs ${wanted}`;
    if (wanted !== '') {
      const like = `%${wanted.replace(/[\\%_]/g, '\\$&')}%`;
      query.andWhere('(t.name ILIKE :like OR t.id = :wanted)', { like, wanted });
    }
    if (input.cursor !== undefined) {
      query.andWhere('t.id < :after', { after: cursors.decode(list, orgId, input.cursor) });
    }
    const rows = await query
      .orderBy('t.id', 'DESC')
      .limit(input.limit + 1)
      .getMany();
    return pageOf(rows, input.limit, presentAdminOrganization, (row) =>
      cursors.encode(list, orgId, row.id),
    );
  },
});

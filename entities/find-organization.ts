import type { EntityManager } from 'typeorm';
import { Fault } from '../platform/fault';
import { Organization } from './organization';
import type { Executor } from './sql';

/** Any organization, for operators. Throws not_found. */
export async function findOrganization(db: Executor, orgId: string): Promise<Organization> {
  const organization = await db.getRepository(Organization).findOneBy({ id: orgId });
  if (!organization) throw new Fault('not_found');
  return organization;
}

/** The same, locked until the transaction ends. */
export async function lockOrganizationOr404(
  tx: EntityManager,
  orgId: string,
): Promise<Organization> {
  const organization = await tx.findOne(Organization, {
    where: { id: orgId },
    lock: { mode: 'pessimistic_write' },
  });
  if (!organization) throw new Fault('not_found');
  return organization;
}

import type { EntityManager } from 'typeorm';
import { Fault } from '../platform/fault';
import { ApiKey } from './api-key';
import { Organization } from './organization';
import type { Executor } from './sql';

/**
 * Makes room for one more key: locks the organization and counts its active keys. Throws plan_limit_reached with the
 * limit where the plan (or the operator's override) has none left.
 */
export async function requireRoomForKey(
  tx: EntityManager,
  orgId: string,
  included: number,
  now: Date,
): Promise<void> {
  const organization = await tx.findOneOrFail(Organization, {
    where: { id: orgId },
    lock: { mode: 'pessimistic_write' },
  });
  const limit = organization.apiKeyLimit ?? included;
  const used = await keysInUse(tx, orgId, now);
  if (used >= limit) {
    throw new Fault('plan_limit_reached', {
      message: `The plan includes ${limit} active API key(s), and all are in use.`,
      details: { limit, used },
    });
  }
}

/** Active keys of an organization: not revoked, not expired. */
export function keysInUse(db: Executor, orgId: string, now: Date): Promise<number> {
  return db
    .getRepository(ApiKey)
    .createQueryBuilder('k')
    .where("k.org_id = :orgId AND k.status = 'active'", { orgId })
    .andWhere('(k.expires_at IS NULL OR k.expires_at > :now)', { now })
    .getCount();
}

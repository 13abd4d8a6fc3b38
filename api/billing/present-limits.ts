import { z } from 'zod';
import type { Catalog } from '../../catalog/load-catalog';
import { Organization } from '../../entities/organization';
import { seatsTaken } from '../../entities/seats';
import { keysInUse } from '../../entities/key-limits';
import type { Executor } from '../../entities/sql';
import { timestamp } from '../http/schemas';
import { stateFault } from '../usage/gate-fault';

const usedOf = z.object({ used: z.int(), included: z.int() });

export const limitsReply = z.object({
  object: z.literal('limits'),
  orgId: z.string(),
  recordedAt: timestamp,
  effectivePlanKey: z.string(),
  billingState: z.string(),
  quotas: z.array(
    z.object({
      meterClass: z.string(),
      limit: z.int(),
      period: z.enum(['minute', 'hour', 'day']),
      allowed: z.boolean(),
      planKey: z.string(),
      billingState: z.string(),
    }),
  ),
  apiKeys: usedOf,
  seats: usedOf,
  requestsPerMinute: z.int(),
  requestId: z.string().optional(),
});

/** What the plan, or an operator, allows an organization, and how much of it is in use. */
export async function presentLimits(
  db: Executor,
  catalog: Catalog,
  orgId: string,
  now: Date,
): Promise<z.input<typeof limitsReply>> {
  const organization = await db.getRepository(Organization).findOneByOrFail({ id: orgId });
  const { planKey } = organization;
  const plan = catalog.plan(planKey);
  const suspended = organization.suspendedAt !== null;
  const billingState = suspended ? 'restricted_read_only' : organization.billingState;
  const requestsPerMinute = organization.requestsPerMinute ?? plan?.requestsPerMinute ?? 120;
  const mayWork = stateFault({ billingState, suspended }) === null;
  return {
    object: 'limits',
    orgId,
    recordedAt: now.toISOString(),
    effectivePlanKey: planKey,
    billingState,
    quotas: catalog.meterClasses.map(({ key }) => ({
      meterClass: key,
      limit: requestsPerMinute,
      period: 'minute',
      allowed: mayWork || key === 'control_plane',
      planKey,
      billingState,
    })),
    apiKeys: {
      used: await keysInUse(db, orgId, now),
      included: organization.apiKeyLimit ?? plan?.apiKeysIncluded ?? 1,
    },
    seats: {
      used: await seatsTaken(db, orgId, now),
      included: organization.seatLimit ?? plan?.seatsIncluded ?? 1,
    },
    requestsPerMinute,
  };
}

import type { EntityManager } from 'typeorm';
import { Fault } from '../platform/fault';
import { Organization } from './organization';
import { run, statement, type Executor } from './sql';

const taken = statement<{ taken: number }>(
  'seats-taken',
  `SELECT count(DISTINCT address)::int AS taken FROM (
     SELECT u.address FROM members m JOIN users u ON u.id = m.user_id WHERE m.org_id = $1
     UNION ALL
     SELECT i.address FROM invitations i
     WHERE i.org_id = $1 AND i.status = 'pending' AND i.expires_at > $2 AND $4
     UNION ALL
     SELECT unnest($3::text[])) held`,
);

/**
 * Seats in use: members and, unless left out, pending invitations, each address once; with `more` as if these had one
 * too.
 */
export async function seatsTaken(
  db: Executor,
  orgId: string,
  now: Date,
  more: readonly string[] = [],
  withPending = true,
): Promise<number> {
  const [row] = await run(db, taken, [orgId, now, [...more], withPending]);
  return row?.taken ?? 0;
}

/** The organization's row, locked until the transaction ends: whoever gives out seats or keys holds it. */
export function lockOrganization(tx: EntityManager, orgId: string): Promise<Organization> {
  return tx.findOneOrFail(Organization, {
    where: { id: orgId },
    lock: { mode: 'pessimistic_write' },
  });
}

/**
 * Checks that seats are enough for what is there and `more` addresses, under the organization's lock, so that two at
 * once can't both take the last one. An invitation needs a seat beside all pending ones; whoever accepts needs one
 * beside the members: where seats have become too few, the first to come get them. Throws plan_limit_reached.
 */
export async function requireSeats(
  tx: EntityManager,
  orgId: string,
  seatsOfPlan: (planKey: string) => number,
  now: Date,
  more: readonly string[],
  beside: 'members' | 'members_and_pending' = 'members_and_pending',
): Promise<void> {
  const organization = await lockOrganization(tx, orgId);
  const limit = organization.seatLimit ?? seatsOfPlan(organization.planKey);
  const needed = await seatsTaken(tx, orgId, now, more, beside === 'members_and_pending');
  if (needed <= limit) return;
  throw new Fault('plan_limit_reached', {
    message: `The plan includes ${limit} seat(s), and ${needed} would be in use.`,
    hint: 'Remove a member or a pending invitation, or move to a larger plan.',
    details: { limit, needed },
  });
}

import { run, statement, type Executor } from './sql';

/** A person who may manage billing: an owner or an admin. */
export interface BillingManager {
  readonly userId: string;
  readonly email: string;
}

const find = statement<{ id: string; email: string }>(
  'billing-managers',
  `SELECT u.id, u.email FROM members m JOIN users u ON u.id = m.user_id
   WHERE m.org_id = $1 AND m.role IN ('owner', 'admin') ORDER BY u.id`,
);

/** Whom mail about an organization's spend goes to. */
export async function billingManagers(db: Executor, orgId: string): Promise<BillingManager[]> {
  const rows = await run(db, find, [orgId]);
  return rows.map(({ id, email }) => ({ userId: id, email }));
}

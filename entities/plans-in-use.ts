import type { Catalog } from '../catalog/load-catalog';
import { StartError } from '../platform/or-exit';
import { run, statement, type Executor } from './sql';

const inUse = statement<{ plan_key: string; count: number; first: string }>(
  'plans-in-use',
  `SELECT plan_key, count(*)::int AS count, min(id) AS first FROM organizations
   GROUP BY plan_key ORDER BY plan_key`,
);

/**
 * Checks that the catalogue has every plan that organizations are on: without one nothing of theirs could be priced.
 * Throws a StartError that names the missing ones.
 */
export async function requirePlansInUse(db: Executor, catalog: Catalog): Promise<void> {
  const missing = (await run(db, inUse, [])).filter(({ plan_key: key }) => !catalog.plan(key));
  if (missing.length === 0) return;
  const lines = missing.map(
    ({ plan_key: key, count, first }) => `  - ${key} (${count} organization(s), first ${first})`,
  );
  throw new StartError(
    `The catalogue lacks plans that organizations are on:\n${lines.join('\n')}\n` +
      'Put them back ("public": false takes them off the list), move the organizations with ' +
      'PUT /v1/admin/orgs/{id}/limits, and only then take them out.',
  );
}

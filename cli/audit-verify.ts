import { auditedOrganizations, verifyAudit } from '../entities/verify-audit';
import { runCommand, withDatabase } from './database';
import { table } from './table';

/** `npm run audit:verify [org_…]`: walks one organization's audit chain, or all. Exits with 1 where one is broken. */
runCommand(() =>
  withDatabase(async (db) => {
    const [only] = process.argv.slice(2);
    const rows: string[][] = [];
    let broken = 0;
    for await (const orgId of only ? [only] : auditedOrganizations(db)) {
      const { ok, records, firstBad } = await verifyAudit(db, orgId);
      if (!ok) broken++;
      const said = firstBad ? `record ${firstBad.seq}: ${firstBad.reason}` : 'unbroken';
      rows.push([orgId, String(records), said]);
    }
    console.log(table(['organization', 'records', 'chain'], rows));
    console.log(broken === 0 ? '\nEvery chain is unbroken.' : `\n${broken} chain(s) are broken.`);
    return broken === 0 ? 0 : 1;
  }),
);

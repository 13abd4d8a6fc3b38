import { keptSince } from '../entities/prune-records';
import { rebuildTotals } from '../entities/rebuild-totals';
import { readSettings } from '../platform/config';
import { runCommand, withDatabase } from './database';
import { table } from './table';

const USAGE = `npm run usage:rebuild [-- YYYY-MM] [--repair]

  Computes every month's totals (or one month's) anew from charges and reported usage and compares.
  --repair stores what was computed. Exits with 1 where something differs and was not repaired.`;

runCommand(async () => {
  const args = process.argv.slice(2);
  const repair = args.includes('--repair');
  const [period = null] = args.filter((arg) => arg !== '--repair');
  if (period !== null && !/^\d{4}-\d{2}$/.test(period)) {
    console.error(USAGE);
    return 2;
  }
  const { RETENTION_DAYS: retentionDays } = readSettings(process.env, ['RETENTION_DAYS']);
  const deliveriesSince = keptSince('records', { now: new Date(), retentionDays });
  const { months, differences } = await withDatabase((db) =>
    rebuildTotals(db, { period, repair, deliveriesSince }),
  );
  if (differences.length === 0) {
    console.log(`${months} month(s) agree with their records.`);
    return 0;
  }
  const rows = differences.map((found) => [
    found.orgId,
    found.period,
    found.what,
    found.stored,
    found.recorded,
  ]);
  console.log(table(['organization', 'month', 'what', 'stored', 'recorded'], rows));
  console.log(repair ? '\nRepaired.' : '\nNothing was changed; --repair stores what is recorded.');
  return repair ? 0 : 1;
});

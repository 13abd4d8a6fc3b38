import { countPrunable, pruneRecords, type Pruned } from '../entities/prune-records';
import { readSettings } from '../platform/config';
import { runCommand, withDatabase } from './database';
import { table } from './table';

const USAGE = `npm run prune [-- --dry-run]

  Drops what is older than it is kept (RETENTION_DAYS, by default 90), in small batches, as the worker does every hour.
  --dry-run counts, by table, and drops nothing.`;

runCommand(async () => {
  const args = process.argv.slice(2);
  if (args.some((arg) => arg !== '--dry-run')) {
    console.error(USAGE);
    return 2;
  }
  const { RETENTION_DAYS: retentionDays } = readSettings(process.env, ['RETENTION_DAYS']);
  const options = { now: new Date(), retentionDays };
  const isDryRun = args.includes('--dry-run');
  const pruned = await withDatabase((db) =>
    isDryRun ? countPrunable(db, options) : pruneRecords(db, options, async () => undefined),
  );
  const cells = ({ table: name, before, rows }: Pruned): string[] => [
    name,
    before.toISOString().slice(0, 10),
    String(rows),
  ];
  console.log(table(['table', 'older than', isDryRun ? 'would go' : 'gone'], pruned.map(cells)));
  return 0;
});

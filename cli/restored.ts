import { settleRestored } from '../entities/after-restore';
import { runCommand, withDatabase } from './database';
import { table } from './table';

const USAGE = `npm run restored

  Puts a database in order that was restored from a backup: asks anew for the workflows of deliveries, approvals,
  checkouts and mails that wait, and gives rows that came from a dump a place in the order of commits.
  Run it once after a restore, before API and worker start. Safe to repeat.`;

runCommand(async () => {
  if (process.argv.length > 2) {
    console.error(USAGE);
    return 2;
  }
  const done = await withDatabase((db) => settleRestored(db, new Date()));
  console.log(
    table(
      ['what', 'rows'],
      Object.entries(done).map(([what, n]) => [what, String(n)]),
    ),
  );
  return 0;
});

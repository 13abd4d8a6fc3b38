import { resealSecrets } from '../entities/reseal-secrets';
import { readSettings } from '../platform/config';
import { createSecretBox } from '../platform/secret-box';
import { runCommand, withDatabase } from './database';
import { stackEnvironment } from './stack-environment';
import { table } from './table';

const USAGE = `npm run secrets:reseal [-- --dry-run]

  Seals everything anew that the first key of SECRETS_KEY did not seal, so that the older keys can be taken out.
  Safe to repeat, and beside the running product. --dry-run counts and changes nothing.
  Exits with 1 where something opens with none of the keys.`;

runCommand(async () => {
  const args = process.argv.slice(2);
  if (args.some((arg) => arg !== '--dry-run')) {
    console.error(USAGE);
    return 2;
  }
  const dryRun = args.includes('--dry-run');
  const { SECRETS_KEY: keys } = readSettings(stackEnvironment(), ['SECRETS_KEY']);
  const found = await withDatabase((db) => resealSecrets(db, createSecretBox(keys), { dryRun }));
  const rows = found.map(({ table: name, old, closed }) => [name, String(old), String(closed)]);
  console.log(
    table(['table', dryRun ? 'sealed by older keys' : 'sealed anew', 'can’t be opened'], rows),
  );
  const closed = found.filter(({ firstClosed }) => firstClosed !== null);
  for (const { table: name, firstClosed } of closed) console.log(`\n${name} ${firstClosed ?? ''}`);
  if (closed.length > 0) console.log('\nPut the key that sealed these back into SECRETS_KEY.');
  return closed.length > 0 ? 1 : 0;
});

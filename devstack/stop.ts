import { isOurs, stopLeftovers } from './leftovers';
import { postgresDataDir, stopLeftoverPostgres } from './postgres';
import { localDir, readStackFile } from './stack-file';

/** `npm stop`: stops the stack of this checkout, started detached or not. */
async function main(): Promise<void> {
  const starter = readStackFile()?.startPid;
  if (starter && isOurs(starter)) {
    process.kill(starter, 'SIGTERM');
    while (isOurs(starter)) await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await stopLeftovers();
  stopLeftoverPostgres(postgresDataDir(localDir()));
  console.log('Stopped.');
}

void main();

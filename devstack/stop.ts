import { runningStart, stopLeftovers } from './leftovers';
import { readProcesses } from './process-file';
import { removeStackFile } from './stack-file';

/**
 * `npm stop`: stops the stack of this checkout, started detached or not, ready or not. A start that lives has been ended
 * before (bootstrap.cjs), and says so in its argument.
 */
async function main(): Promise<void> {
  const found = readProcesses() !== null || process.argv.includes('--ended-a-start');
  const start = runningStart();
  if (start !== null) {
    process.kill(start, 'SIGTERM');
    while (runningStart() === start) await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await stopLeftovers();
  removeStackFile();
  console.log(found ? 'Stopped.' : 'Nothing was running.');
}

void main();

import { runningStart, stopLeftovers } from './leftovers';
import { readProcesses } from './process-file';
import { removeStackFile } from './stack-file';

/** `npm stop`: stops the stack of this checkout, started detached or not, ready or not. */
async function main(): Promise<void> {
  const found = readProcesses() !== null;
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

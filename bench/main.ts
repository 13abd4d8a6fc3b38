import { cpus, totalmem } from 'node:os';
import { benchDeliveries } from './deliveries';
import { benchGate } from './gate';
import { benchReads } from './reads';
import { markdownTable } from './table';

/**
 * `npm run bench [-- deliveries|gate|reads] [--quick] [--rate=10]`: prints its tables with the machine they were made on.
 * Without a name, all of them.
 */
async function main(): Promise<void> {
  const quick = process.argv.includes('--quick');
  const only = process.argv.find((arg) => arg.startsWith('--rate='))?.slice('--rate='.length);
  const seconds = quick ? 5 : 15;
  const say = (text: string): void => console.error(`▸ ${text}`);
  const gib = Math.round(totalmem() / 2 ** 30);
  console.log(`${cpus().length} cores, ${gib} GiB, Node ${process.version}; times in ms\n`);
  const named = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));
  const wants = (name: string): boolean => named.length === 0 || named.includes(name);
  if (wants('gate')) {
    console.log(`### the gate\n\n${markdownTable(await benchGate(seconds, say))}\n`);
  }
  if (wants('reads')) {
    console.log(`### reads\n\n${markdownTable(await benchReads(quick, say))}\n`);
  }
  if (!wants('deliveries')) return;
  for (const workflowRate of only ? [only] : ['0', '10', 'unlimited']) {
    const rates = workflowRate === 'unlimited' ? [25] : [25, 100, 200, 400];
    const rows = await benchDeliveries(workflowRate, rates, seconds, say);
    console.log(`### workflow rate ${workflowRate}${workflowRate === '10' ? ' (default)' : ''}\n`);
    console.log(`${markdownTable(rows)}\n`);
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);

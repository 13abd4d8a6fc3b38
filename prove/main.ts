import { cpus, totalmem } from 'node:os';
import { approvalProofs } from './approval';
import { artifactProofs } from './artifacts';
import { backupProofs } from './backup';
import { checkoutProofs } from './checkouts';
import { exportProofs } from './export';
import { fuzzProofs } from './fuzz';
import { gateProofs } from './gate';
import { hangingEndpointProofs } from './hanging-endpoint';
import { killPartProofs } from './kill-part';
import { pausePartProofs } from './pause-part';
import { recoveryProofs } from './recovery';
import type { Proof, ProofResult } from './proof';
import { streamProofs } from './streams';
import { upgradeProofs } from './upgrade';

const SHOWN = 10;
const proofs: readonly Proof[] = [
  ...killPartProofs,
  ...pausePartProofs,
  ...hangingEndpointProofs,
  ...gateProofs,
  ...approvalProofs,
  ...checkoutProofs,
  ...artifactProofs,
  ...recoveryProofs,
  ...streamProofs,
  ...exportProofs,
  ...fuzzProofs,
  ...backupProofs,
  ...upgradeProofs,
];

/** `npm run prove [-- name …]`: runs the proofs, one after another, and prints a table. Exit code 1 where one failed. */
async function main(): Promise<void> {
  const wanted = process.argv.slice(2);
  const unknown = wanted.filter((name) => !proofs.some((proof) => proof.name === name));
  if (unknown.length > 0) {
    const names = proofs.map(({ name }) => name).join(', ');
    throw new Error(`There is no proof ${unknown.join(', ')}. There are: ${names}.`);
  }
  const chosen = proofs.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  const rows: string[] = [];
  let failed = 0;
  for (const proof of chosen) {
    const startedAt = Date.now();
    console.error(`▸ ${proof.name}: ${proof.claim}`);
    const result = await runOne(proof);
    const passed = result.complaints.length === 0;
    if (!passed) failed += 1;
    for (const complaint of result.complaints.slice(0, SHOWN)) console.error(`  ✗ ${complaint}`);
    if (result.complaints.length > SHOWN)
      console.error(`  ✗ … and ${result.complaints.length - SHOWN} more`);
    const seconds = ((Date.now() - startedAt) / 1_000).toFixed(0);
    const figures = Object.entries(result.figures).map(([name, value]) => `${name}: ${value}`);
    rows.push(
      `| ${proof.name} | ${proof.claim} | ${passed ? 'holds' : 'FAILS'} | ${figures.join('; ')} | ${seconds} s |`,
    );
  }
  const gib = Math.round(totalmem() / 2 ** 30);
  console.log(`\n${cpus().length} cores, ${gib} GiB, Node ${process.version}\n`);
  console.log('| proof | promise | result | figures | took |\n|---|---|---|---|---|');
  console.log(rows.join('\n'));
  process.exitCode = failed === 0 ? 0 : 1;
}

async function runOne(proof: Proof): Promise<ProofResult> {
  try {
    return await proof.run((text) => console.error(`  ${text}`));
  } catch (error) {
    return { complaints: [error instanceof Error ? error.message : String(error)], figures: {} };
  }
}

main().then(
  () => process.exit(),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);

import { execFile } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { messageOf } from '../platform/message-of';
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

/** `npm run prove [-- name …]`: runs the proofs and prints a table. Exit code 1 where one failed. */
async function main(): Promise<void> {
  const wanted = process.argv.slice(2);
  const unknown = wanted.filter((name) => !proofs.some((proof) => proof.name === name));
  if (unknown.length > 0) {
    const names = proofs.map(({ name }) => name).join(', ');
    throw new Error(`There is no proof ${unknown.join(', ')}. There are: ${names}.`);
  }
  const chosen = proofs.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  const proven = await commit();
  const rows = new Map<Proof, Row>();
  const lane = async (runs: Proof['runs']): Promise<void> => {
    for (const proof of chosen) if (proof.runs === runs) rows.set(proof, await runOne(proof));
  };
  await Promise.all([lane('long'), lane('beside')]);
  await lane(undefined);
  const gib = Math.round(totalmem() / 2 ** 30);
  const machine = `${cpus().length} cores, ${gib} GiB, Node ${process.version}`;
  console.log(`\nCommit ${proven}, ${machine}\n`);
  console.log('| proof | promise | result | figures | took |\n|---|---|---|---|---|');
  for (const proof of chosen) console.log(rows.get(proof)?.line);
  process.exitCode = [...rows.values()].every(({ holds }) => holds) ? 0 : 1;
}

interface Row {
  readonly holds: boolean;
  readonly line: string;
}

async function runOne(proof: Proof): Promise<Row> {
  const { name, claim } = proof;
  const startedAt = Date.now();
  const say = (text: string): void => console.error(`  ${name}: ${text}`);
  console.error(`▸ ${name}: ${claim}`);
  const { complaints, figures } = await proof.run(say).catch((error: unknown): ProofResult => ({
    complaints: [messageOf(error)],
    figures: {},
  }));
  for (const complaint of complaints.slice(0, SHOWN)) say(`✗ ${complaint}`);
  if (complaints.length > SHOWN) say(`✗ … and ${complaints.length - SHOWN} more`);
  const holds = complaints.length === 0;
  const verdict = holds ? 'holds' : 'FAILS';
  const seconds = ((Date.now() - startedAt) / 1_000).toFixed(0);
  say(`${verdict}, after ${seconds} s`);
  const told = Object.entries(figures).map(([figure, value]) => `${figure}: ${value}`);
  return { holds, line: `| ${name} | ${claim} | ${verdict} | ${told.join('; ')} | ${seconds} s |` };
}

/** What is proven: the commit that is checked out. */
async function commit(): Promise<string> {
  const git = ['describe', '--always', '--dirty', '--abbrev=12', '--exclude=*'];
  const { stdout } = await promisify(execFile)('git', git).catch(() => ({ stdout: 'unknown' }));
  return stdout.trim();
}

main().then(
  () => process.exit(),
  (error: unknown) => {
    console.error(messageOf(error));
    process.exit(1);
  },
);

import { examine, type Diagnosis } from './examine';
import { runCommand } from './database';
import { stackEnvironment } from './stack-environment';

const USAGE = `npm run doctor [-- --json]

  Says in words what is wrong with the configuration and the running stack, and how to mend it.
  Reads the same variables as API and worker; without DATABASE_URL, the running dev stack's.
  Exits with 1 where there is a fault; warnings alone are 0. --json: {ok, findings}.`;

const SIGN = { ok: '✓', warning: '!', fault: '✗' } as const;

/** A line for each finding; what is to be done stands below it. */
export function report(findings: readonly Diagnosis[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const indent = ' '.repeat(width + 4);
  const lines = findings.flatMap(({ check, level, says, mend }) => [
    `${SIGN[level]} ${check.padEnd(width)}  ${says.replaceAll('\n', `\n${indent}`)}`,
    ...(mend === undefined ? [] : [`${indent}→ ${mend}`]),
  ]);
  const count = (level: Diagnosis['level']): number =>
    findings.filter((finding) => finding.level === level).length;
  return [...lines, '', `${count('fault')} fault(s), ${count('warning')} warning(s)`].join('\n');
}

if (require.main === module) {
  runCommand(async () => {
    const args = process.argv.slice(2);
    if (args.some((arg) => arg !== '--json')) {
      console.error(USAGE);
      return 2;
    }
    const findings = await examine(stackEnvironment());
    const isWell = findings.every(({ level }) => level !== 'fault');
    console.log(
      args.includes('--json')
        ? JSON.stringify({ ok: isWell, findings }, null, 2)
        : report(findings),
    );
    return isWell ? 0 : 1;
  });
}

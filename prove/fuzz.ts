import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withThrowawayStack, type ThrowawayStack } from '../devstack/throwaway-stack';
import type { Proof, ProofResult } from './proof';

const SCHEMATHESIS = 'schemathesis==4.32.5';
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_schema_conformance',
];
/** Of every operation, with each of the keys; and how long one key may take. */
const EXAMPLES = 25;
const SECONDS_A_KEY = 75;

/** Every operation of openapi.json, asked with whatever its schema allows and much that it doesn't. */
export const fuzzProofs: readonly Proof[] = [
  {
    name: 'fuzz',
    claim:
      'every operation of openapi.json under schemathesis, with four keys: no answer of 5xx, none outside its schema',
    run: (say) => withThrowawayStack({ LOG_LEVEL: 'warn' }, say, (stack) => fuzz(stack, say)),
  },
];

async function fuzz(stack: ThrowawayStack, say: (text: string) => void): Promise<ProofResult> {
  const folder = mkdtempSync(join(tmpdir(), 'secapi-fuzz-'));
  try {
    say(`installing ${SCHEMATHESIS}`);
    await must('python3', ['-m', 'venv', folder], folder);
    await must(join(folder, 'bin', 'pip'), ['install', '--quiet', SCHEMATHESIS], folder);
    const complaints: string[] = [];
    let cases = 0;
    for (const [who, key] of await keysOf(stack)) {
      say(`fuzzing with ${who}`);
      const { code, output } = await run(
        join(folder, 'bin', 'schemathesis'),
        [
          'run',
          `${stack.apiUrl}/openapi.json`,
          // One worker: threads of some Pythons fail each other in `ast.parse`.
          ...['--url', stack.apiUrl, '--checks', CHECKS.join(','), '--workers', '1'],
          ...['--phases', 'examples,coverage,fuzzing', '--max-examples', String(EXAMPLES)],
          ...['--max-time', String(SECONDS_A_KEY), '--request-timeout', '40', '--no-shrink'],
          ...['--suppress-health-check', 'all', '--no-color', '--continue-on-failure'],
          ...['--header', `x-api-key: ${key}`],
        ],
        folder,
      );
      const found = failuresOf(output);
      complaints.push(...found.map((failure) => `${who}: ${failure}`));
      if (code !== 0 && found.length === 0) {
        complaints.push(`${who}: schemathesis ended with ${code}: ${whyOf(output)}`);
      }
      cases += Number(/(\d+) generated/.exec(output)?.[1] ?? 0);
    }
    return { complaints, figures: { requests: String(cases) } };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Keys that differ in what they may: an operator's, one with every other scope, a reader's, and one of test mode. */
async function keysOf(stack: ThrowawayStack): Promise<[string, string][]> {
  const { apiKey, operatorKey, testApiKey, orgId } = stack.seeded;
  await fetch(`${stack.apiUrl}/v1/admin/orgs/${orgId}/limits`, {
    method: 'PUT',
    headers: { 'x-api-key': operatorKey, 'content-type': 'application/json' },
    body: JSON.stringify({ requestsPerMinute: 1_000_000, apiKeys: 1_000_000, seats: 1_000_000 }),
  });
  const reader = await stack.call<{ secret: string }>('POST', '/v1/api_keys', {
    scopes: ['read:sec'],
    livemode: true,
  });
  return [
    ['a key with every scope', apiKey],
    ['an operator’s key', operatorKey],
    ['a test key', testApiKey],
    ['a reader’s key', reader.secret],
  ];
}

/** Each failure as one line: the operation, what was wrong, and how to ask again. */
function failuresOf(output: string): string[] {
  const found: string[] = [];
  let operation = '';
  let what: string[] = [];
  for (const line of output.split('\n')) {
    const header = /^_{3,} (.+?) _{3,}$/.exec(line);
    if (header) operation = header[1] ?? '';
    const title = /^- (.+)$/.exec(line);
    if (title && operation !== '') what.push(title[1] ?? '');
    const again = /^\s+(curl .+)$/.exec(line);
    if (again && what.length > 0) {
      found.push(`${operation}: ${what.join('; ')}; ${(again[1] ?? '').slice(0, 400)}`);
      what = [];
    }
  }
  return found;
}

/** What schemathesis says of its own errors, without the sources it quotes; else its last lines. */
function whyOf(output: string): string {
  const at = output.search(/^=+ ERRORS =+$/m);
  const told = at < 0 ? output.slice(-800) : output.slice(at);
  const lines = told.split('\n').filter((line) => line !== '' && line.length < 300);
  return lines.slice(0, 12).join('\n');
}

async function must(program: string, args: readonly string[], cwd: string): Promise<void> {
  const { code, output } = await run(program, args, cwd);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} failed: ${output.slice(-400)}`);
}

function run(
  program: string,
  args: readonly string[],
  cwd: string,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

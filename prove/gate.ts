import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { Client } from 'pg';
import { freePort } from '../devstack/ports';
import { repositoryRoot } from '../devstack/repository-root';
import { withThrowawayStack, type ThrowawayStack } from '../devstack/throwaway-stack';
import { waitForUrl } from '../devstack/wait-for-url';
import { newSecretsKey } from '../platform/config';
import type { Proof, ProofResult } from './proof';

const CALLS = 10_000;
const CLIENTS = 64;
const CAP_UNITS = 1_000;
/** 1,000 units at $0.007, the commercial plan's rate. */
const CAP_CENTS = 700;

type Way = 'once' | 'doubled' | 'killed';
const CLAIMS: Record<Way, string> = {
  once: `${CALLS} calls of ${CLIENTS} clients over two APIs against a cap of ${CAP_UNITS}: exactly that many pass`,
  doubled: 'the same with every key sent twice: as many charges, each key one',
  killed:
    'the same with SIGKILL of one API: charges are the passed answers and at most those in flight',
};

/** The cap holds to the unit, whatever happens to the callers and the API. */
export const gateProofs: readonly Proof[] = (Object.keys(CLAIMS) as Way[]).map((way) => ({
  name: `gate-${way}`,
  claim: CLAIMS[way],
  run: (say) => holdTheCap(way, say),
}));

interface Outcome {
  readonly key: string;
  /** The charge, null where it was refused, undefined where no answer came. */
  readonly chargeId: string | null | undefined;
}

function holdTheCap(way: Way, say: (text: string) => void): Promise<ProofResult> {
  const env = { DELIVERY_WORKFLOW_RATE: '0', LOG_LEVEL: 'warn' };
  return withThrowawayStack(env, say, async (stack) => {
    const second = await secondApi(stack);
    try {
      const { apiKey, orgId } = await cappedOrganization(stack);
      const startedAt = performance.now();
      const outcomes = await callAll(way, [stack.apiUrl, second.url], apiKey, (passed) => {
        if (way === 'killed' && passed === CAP_UNITS / 2) second.kill();
      });
      const seconds = (performance.now() - startedAt) / 1_000;
      const complaints = await judge(stack, orgId, apiKey, outcomes);
      const unanswered = outcomes.filter(({ chargeId }) => chargeId === undefined).length;
      const figures = {
        'calls a second': (outcomes.length / seconds).toFixed(0),
        passed: String(new Set(outcomes.map(({ chargeId }) => chargeId).filter(Boolean)).size),
        unanswered: String(unanswered),
      };
      return { complaints, figures };
    } finally {
      second.kill();
    }
  });
}

async function secondApi(stack: ThrowawayStack): Promise<{ url: string; kill(): void }> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const script = join(repositoryRoot(), 'dist', 'api', 'server.js');
  const child: ChildProcess = spawn(process.execPath, [script], {
    stdio: 'ignore',
    env: {
      ...process.env,
      DATABASE_URL: stack.databaseUrl,
      SECRETS_KEY: newSecretsKey(),
      PORT: String(port),
      PUBLIC_URL: url,
      LOG_LEVEL: 'warn',
    },
  });
  await waitForUrl(`${url}/readyz`);
  return { url, kill: () => void child.kill('SIGKILL') };
}

async function cappedOrganization(
  stack: ThrowawayStack,
): Promise<{ apiKey: string; orgId: string }> {
  const ask = async (method: string, path: string, key: string, body: object) => {
    const answer = await fetch(stack.apiUrl + path, {
      method,
      headers: { 'content-type': 'application/json', 'x-api-key': key },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as { id: string; apiKey: { secret: string } };
  };
  const organization = { name: 'capped', planKey: 'commercial' };
  const made = await ask('POST', '/v1/admin/orgs', stack.seeded.operatorKey, organization);
  await ask('PUT', '/v1/billing/budget', made.apiKey.secret, { spendCapCents: CAP_CENTS });
  return { apiKey: made.apiKey.secret, orgId: made.id };
}

/** Sends every call once (or twice), from 64 clients that take turns with the two APIs. */
async function callAll(
  way: Way,
  urls: readonly string[],
  apiKey: string,
  onPassed: (count: number) => void,
): Promise<Outcome[]> {
  const doubles = way === 'doubled' ? 2 : 1;
  const keys = Array.from({ length: CALLS * doubles }, (_, i) => `call-${Math.floor(i / doubles)}`);
  const outcomes: Outcome[] = [];
  let passed = 0;
  let next = 0;
  const client = async (): Promise<void> => {
    for (let i = next++; i < keys.length; i = next++) {
      const key = keys[i] ?? '';
      const chargeId = await authorize(urls[i % urls.length] ?? '', apiKey, key);
      outcomes.push({ key, chargeId });
      if (chargeId) onPassed(++passed);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return outcomes;
}

async function authorize(
  url: string,
  apiKey: string,
  idempotencyKey: string,
): Promise<string | null | undefined> {
  try {
    const answer = await fetch(`${url}/v1/usage/authorize`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': apiKey },
      body: JSON.stringify({ meterClass: 'heavy_extract', idempotencyKey }),
    });
    const { chargeId } = (await answer.json()) as { chargeId?: string };
    return answer.ok ? chargeId : null;
  } catch {
    return undefined;
  }
}

async function judge(
  stack: ThrowawayStack,
  orgId: string,
  apiKey: string,
  outcomes: readonly Outcome[],
): Promise<string[]> {
  const complaints: string[] = [];
  const charges = await chargesOf(stack, orgId);
  const passed = new Set(outcomes.map(({ chargeId }) => chargeId).filter(Boolean));
  const lost = outcomes.filter(({ chargeId }) => chargeId === undefined);
  if (charges.size !== CAP_UNITS && lost.length === 0) {
    complaints.push(`${charges.size} charges, not ${CAP_UNITS}`);
  }
  if (charges.size > CAP_UNITS) complaints.push(`the cap was passed: ${charges.size} charges`);
  if (charges.size < passed.size || charges.size > passed.size + lost.length) {
    complaints.push(
      `${charges.size} charges for ${passed.size} passed and ${lost.length} unanswered`,
    );
  }
  for (const { key, chargeId } of outcomes) {
    if (chargeId && charges.get(key) !== chargeId) complaints.push(`${key} has two charges`);
  }
  for (const { key } of lost) {
    const again = await authorize(stack.apiUrl, apiKey, key);
    const known = charges.get(key);
    if (known && again !== known) complaints.push(`${key} was charged and is not found again`);
  }
  const { budget } = await billing(stack, apiKey);
  const units = (await chargesOf(stack, orgId)).size;
  const line = budget.lineItems.find(({ meterFamily }) => meterFamily === 'heavy_extracts');
  const cents = Math.round((units * CAP_CENTS) / CAP_UNITS);
  if (line?.units !== units || line.amountCents !== cents || budget.accruedUsageCents !== cents) {
    complaints.push(`the budget says ${JSON.stringify(budget)} for ${units} charges`);
  }
  return complaints;
}

interface Budget {
  readonly accruedUsageCents: number;
  readonly lineItems: readonly { meterFamily: string; units: number; amountCents: number }[];
}

async function billing(stack: ThrowawayStack, apiKey: string): Promise<{ budget: Budget }> {
  const headers = { 'x-api-key': apiKey };
  return (await (await fetch(`${stack.apiUrl}/v1/billing`, { headers })).json()) as {
    budget: Budget;
  };
}

async function chargesOf(stack: ThrowawayStack, orgId: string): Promise<Map<string, string>> {
  const client = new Client({ connectionString: stack.databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ key: string; id: string }>(
    `SELECT key, id FROM charges WHERE org_id = $1 AND status = 'charged'`,
    [orgId],
  );
  await client.end();
  return new Map(rows.map(({ key, id }) => [key, id]));
}

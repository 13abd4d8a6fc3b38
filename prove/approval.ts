import { Client } from 'pg';
import { startReceiver } from '../devstack/receiver';
import { withThrowawayStack, type ThrowawayStack } from '../devstack/throwaway-stack';
import { waitForUrl } from '../devstack/wait-for-url';
import type { Proof, ProofResult } from './proof';

const CROSSINGS = 500;
const CONNECTIONS = 64;
const KILLED = ['worker', 'temporal', 'api'] as const;
const PATIENCE_MS = 60_000;

/** Work over the threshold waits for people through the death of every process. */
export const approvalProofs: readonly Proof[] = [
  {
    name: 'approval',
    runs: 'beside',
    claim: `${CROSSINGS} crossings at once, SIGKILL of ${KILLED.join(', ')}: one workflow, one mail, one decision, work passes once`,
    run: proveApproval,
  },
];

async function proveApproval(say: (text: string) => void): Promise<ProofResult> {
  const receiver = await startReceiver({ kept: Infinity });
  try {
    return await withThrowawayStack({ LOG_LEVEL: 'warn' }, say, async (stack) => {
      const complaints: string[] = [];
      const expect = (holds: boolean, complaint: string): void => {
        if (!holds) complaints.push(complaint);
      };
      await prepare(stack, receiver.url);
      await authorize(stack, 'first');
      const answers = await inParallel(CROSSINGS, (n) => authorize(stack, `crossing-${n}`));
      const ids = new Set(answers.map(({ approvalId }) => approvalId));
      const [approvalId = ''] = [...ids].filter((id) => id !== undefined);
      expect(ids.size === 1, `${ids.size} different approvals, not one`);

      for (const part of KILLED) {
        say(`SIGKILL of ${part}`);
        process.kill(stack.pids()[part] ?? 0, 'SIGKILL');
        await waitForUrl(`${stack.apiUrl}/readyz`, (body) => body['temporal'] === 'up');
        const again = await authorize(stack, 'again').catch(() => null);
        expect(again?.approvalId === approvalId, `after ${part}: another approval`);
      }
      const path = `/v1/billing/budget/approvals/${approvalId}/approve`;
      await Promise.all([1, 2, 3].map(() => stack.call('POST', path, {})));
      const passed = await inParallel(8, () => authorize(stack, 'again'));
      const charges = new Set(passed.map(({ chargeId }) => chargeId));
      expect(
        charges.size === 1 && !charges.has(undefined),
        `the work passed ${charges.size} times`,
      );

      const ended = await until(stack, `SELECT count(*)::int AS n FROM outbox`, (n) => n === 0);
      expect(ended, 'commands are left in the outbox');
      for (const [what, wanted, query] of CHECKS) {
        const n = await number(stack, query);
        expect(n === wanted, `${what}: ${n}, not ${wanted}`);
      }
      const told = receiver.requests.map(({ body }) => {
        const { type, data } = JSON.parse(body) as { type: string; data: { percent?: number } };
        return `${type} ${data.percent ?? ''}`;
      });
      expect(new Set(told).size === told.length, `told twice: ${told.sort().join(', ')}`);
      return { complaints, figures: { 'events told': String(told.length) } };
    });
  } finally {
    await receiver.close();
  }
}

const CHECKS = [
  ['approvals', 1, `SELECT count(*)::int AS n FROM budget_approvals`],
  ['mails', 1, `SELECT count(*)::int AS n FROM mails WHERE subject LIKE 'Approve%'`],
  [
    'mails sent',
    1,
    `SELECT count(*)::int AS n FROM mails WHERE subject LIKE 'Approve%' AND sent_at IS NOT NULL`,
  ],
  [
    'audit records of the decision',
    1,
    `SELECT count(*)::int AS n FROM audit_records WHERE action = 'budget_approval.approved'`,
  ],
  ['charges', 2, `SELECT count(*)::int AS n FROM charges`],
] as const;

/** A billing manager to be mailed, an endpoint that is told, and a budget with room for two artifacts, one asked for. */
async function prepare(stack: ThrowawayStack, receiverUrl: string): Promise<void> {
  const now = new Date();
  await query(
    stack,
    `INSERT INTO users (id, email, address, created_at) VALUES ('usr_p', 'm@example.com', 'm@example.com', $1)`,
    [now],
  );
  await query(
    stack,
    `INSERT INTO members (org_id, user_id, role, created_at) VALUES ($1, 'usr_p', 'owner', $2)`,
    [stack.seeded.orgId, now],
  );
  const endpoint = { destinationUrl: `${receiverUrl}/ok`, subscribedEventTypes: ['billing.*'] };
  await stack.call('POST', '/v1/webhook_endpoints', endpoint);
  await stack.call('PUT', '/v1/billing/budget', { spendCapCents: 9, approvalThresholdCents: 4 });
}

async function authorize(
  stack: ThrowawayStack,
  idempotencyKey: string,
): Promise<{ approvalId?: string; chargeId?: string }> {
  const answer = await fetch(`${stack.apiUrl}/v1/usage/authorize`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': stack.seeded.apiKey },
    body: JSON.stringify({ meterClass: 'artifact_jobs', idempotencyKey }),
  });
  const body = (await answer.json()) as { chargeId?: string; details?: { approvalId?: string } };
  return answer.ok ? { chargeId: body.chargeId ?? '' } : { ...body.details };
}

async function inParallel<Value>(
  count: number,
  act: (n: number) => Promise<Value>,
): Promise<Value[]> {
  const values: Value[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let n = next++; n < count; n = next++) values.push(await act(n));
  };
  await Promise.all(Array.from({ length: Math.min(count, CONNECTIONS) }, lane));
  return values;
}

async function until(
  stack: ThrowawayStack,
  text: string,
  satisfies: (n: number) => boolean,
): Promise<boolean> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end;) {
    if (satisfies(await number(stack, text))) return true;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  return false;
}

async function number(stack: ThrowawayStack, text: string): Promise<number> {
  const [row] = await query(stack, text);
  return Number(row?.['n']);
}

async function query(
  stack: ThrowawayStack,
  text: string,
  values: unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: stack.databaseUrl });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text, values)).rows;
  } finally {
    await client.end();
  }
}

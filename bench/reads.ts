import { withThrowawayStack, type ThrowawayStack } from '../devstack/throwaway-stack';
import { fillHistory, type History } from './fill-history';
import { startPlanner } from './read-plans';
import { percentile } from './table';

type Row = Record<string, string>;

const FEW = 10_000;
const MANY = 2_000_000;
const TIMES = 40;

interface Read {
  readonly what: string;
  readonly path: (history: History, orgId: string) => string;
  readonly byOperator?: boolean;
}

const daysAgo = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString();

const READS: readonly Read[] = [
  { what: 'events', path: () => '/v1/events' },
  { what: 'events of a rare type', path: ({ rareType }) => `/v1/events?type=${rareType}` },
  { what: 'events of a kind', path: () => '/v1/events?kind=webhook_delivery' },
  { what: 'events since 3 days', path: () => `/v1/events?since=${daysAgo(3)}&limit=200` },
  { what: 'events since a minute', path: () => `/v1/events?since=${daysAgo(1 / 1_440)}&limit=200` },
  { what: 'events of a request', path: ({ requestId }) => `/v1/events?requestId=${requestId}` },
  { what: 'export, first 100', path: () => '/v1/events/export?limit=100' },
  { what: 'deliveries', path: () => '/v1/deliveries' },
  { what: 'deliveries, failed', path: () => '/v1/deliveries?status=failed' },
  { what: 'deliveries, pending', path: () => '/v1/deliveries?status=pending' },
  {
    what: 'deliveries to an endpoint',
    path: ({ endpointId: id }) => `/v1/deliveries?webhookId=${id}`,
  },
  {
    what: 'attempts at an endpoint',
    path: ({ endpointId: id }) => `/v1/webhook_endpoints/${id}/deliveries`,
  },
  { what: 'delivery and stream summary', path: () => '/v1/diagnostics/deliveries/summary' },
  {
    what: 'the same, since 3 days',
    path: () => `/v1/diagnostics/deliveries/summary?since=${daysAgo(3)}`,
  },
  {
    what: 'diagnostics',
    path: ({ requestId }) => `/v1/diagnostics/requests/${requestId}?explain=true`,
  },
  { what: 'SLA, 30 days', path: () => '/v1/diagnostics/sla' },
  {
    what: 'SLA, two odd moments',
    path: () => `/v1/diagnostics/sla?since=${daysAgo(9.3)}&until=${daysAgo(2.1)}`,
  },
  {
    what: 'a stream, first page',
    path: ({ streamId }) => `/v1/stream_subscriptions/${streamId}/events`,
  },
  {
    what: 'a stream, near its end',
    path: ({ streamId, nearEnd }) =>
      `/v1/stream_subscriptions/${streamId}/events?cursor=${nearEnd}`,
  },
  {
    what: 'a stream, of a type',
    path: ({ streamId }) => `/v1/stream_subscriptions/${streamId}/events?type=monitor.match`,
  },
  { what: 'audit records', path: () => '/v1/audit/records' },
  { what: 'admin: organizations', path: () => '/v1/admin/orgs', byOperator: true },
  { what: 'admin: one of them', path: (_, orgId) => `/v1/admin/orgs/${orgId}`, byOperator: true },
  {
    what: 'admin: its request',
    path: ({ requestId }, orgId) => `/v1/admin/orgs/${orgId}/requests/${requestId}`,
    byOperator: true,
  },
  { what: 'observability', path: () => '/v1/observability', byOperator: true },
];

/** Reads with 10 thousand and 2 million of each in the log (events, deliveries, attempts, stream records): p50 and p95 (ms) of both, their ratio, and the plan with the many. */
export function benchReads(quick: boolean, say: (text: string) => void): Promise<Row[]> {
  const many = quick ? MANY / 10 : MANY;
  const env = { LOG_LEVEL: 'warn', DELIVERY_WORKFLOW_RATE: '0' };
  return withThrowawayStack(env, say, async (stack) => {
    const { databaseUrl, seeded } = stack;
    say(`reads: ${FEW} rows`);
    const few = await fillHistory(databaseUrl, seeded.orgId, FEW);
    const before = await measureAll(stack, few);
    say(`reads: ${many} rows`);
    const more = await fillHistory(databaseUrl, seeded.orgId, many);
    const after = await measureAll(stack, more);
    const planner = await startPlanner(databaseUrl);
    const rows: Row[] = [];
    for (const [i, read] of READS.entries()) {
      const [a, b] = [before[i] ?? [], after[i] ?? []];
      const key = read.byOperator ? seeded.operatorKey : seeded.apiKey;
      rows.push({
        read: read.what,
        '10 thousand: p50 / p95': `${percentile(a, 0.5)} / ${percentile(a, 0.95)}`,
        [`${many / 1e6} million: p50 / p95`]: `${percentile(b, 0.5)} / ${percentile(b, 0.95)}`,
        ratio: (Number(percentile(b, 0.5)) / Number(percentile(a, 0.5))).toFixed(2),
        'rows touched, by index': await planner.planOf(read.path(more, seeded.orgId), key),
      });
    }
    await planner.close();
    return rows;
  });
}

/** Times (ms, sorted) of every read, one request after another. */
async function measureAll(stack: ThrowawayStack, history: History): Promise<number[][]> {
  const all: number[][] = [];
  for (const { path, byOperator } of READS) {
    const url = stack.apiUrl + path(history, stack.seeded.orgId);
    const headers = { 'x-api-key': byOperator ? stack.seeded.operatorKey : stack.seeded.apiKey };
    const times: number[] = [];
    for (let i = -8; i < TIMES; i++) {
      const startedAt = performance.now();
      const answer = await fetch(url, { headers });
      await answer.text();
      if (!answer.ok) throw new Error(`${url} was answered ${answer.status}`);
      if (i >= 0) times.push(performance.now() - startedAt);
    }
    all.push(times.sort((a, b) => a - b));
  }
  return all;
}

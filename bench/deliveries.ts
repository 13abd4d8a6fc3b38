import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { Stack } from '../devstack/stack';
import { withThrowawayStack } from '../devstack/throwaway-stack';
import { cpuMs } from './cpu';
import { loadAtRate, loadBurst, type Load, type LoadResult } from './loader';
import { percentile } from './table';

const SETTLE_MS = 60_000;
const PARTS = ['api', 'worker', 'postgres', 'temporal'];
type Row = Record<string, string>;

interface Rig {
  readonly stack: Stack;
  readonly sinkUrl: string;
  endpoint(path: string, eventType: string, count?: number): Promise<string[]>;
  remove(ids: readonly string[]): Promise<void>;
}

/** Starts a stack and a sink of its own, runs `act`, and ends everything. */
function withRig<Value>(
  workflowRate: string,
  say: (text: string) => void,
  act: (rig: Rig) => Promise<Value>,
): Promise<Value> {
  const env = { DELIVERY_WORKFLOW_RATE: workflowRate, LOG_LEVEL: 'warn' };
  return withThrowawayStack(env, say, async (stack) => {
    const sink = fork(join(__dirname, 'sink.js'));
    try {
      const port = await new Promise((resolve) => sink.once('message', resolve));
      const sinkUrl = `http://127.0.0.1:${String(port)}`;
      return await act({
        stack,
        sinkUrl,
        endpoint: (path, eventType, count = 1) =>
          Promise.all(
            Array.from({ length: count }, async () => {
              const destinationUrl = sinkUrl + path;
              const subscribedEventTypes = [eventType];
              const body = { destinationUrl, subscribedEventTypes };
              return (await stack.call<{ id: string }>('POST', '/v1/webhook_endpoints', body)).id;
            }),
          ),
        async remove(ids) {
          for (const id of ids) await stack.call('DELETE', `/v1/webhook_endpoints/${id}`);
        },
      });
    } finally {
      sink.kill('SIGKILL');
    }
  });
}

async function measure(
  rig: Rig,
  what: string,
  path: string,
  fanOut: number,
  publish: () => Promise<LoadResult>,
): Promise<Row> {
  const pids = rig.stack.pids();
  const before = PARTS.map((part) => cpuMs(pids[part] ?? 0));
  const startedAt = performance.now();
  const published = await publish();
  const arrived = await collect(rig, path, published.accepted * fanOut);
  const seconds = (performance.now() - startedAt) / 1_000;
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const cpu = PARTS.map((part, i) => (cpuMs(pids[part] ?? 0) - (before[i] ?? 0)) / arrived.length);
  return {
    what,
    'accept p50/p95': `${percentile(published.acceptMs, 0.5)} / ${percentile(published.acceptMs, 0.95)}`,
    'arrive p50': percentile(arrived, 0.5),
    p95: percentile(arrived, 0.95),
    p99: percentile(arrived, 0.99),
    'deliveries/s': (arrived.length / seconds).toFixed(0),
    'CPU-ms each (api, worker, pg, temporal)': `${sum(cpu.slice(0, 3)).toFixed(1)} + ${(cpu[3] ?? 0).toFixed(1)} (${cpu.map((ms) => ms.toFixed(1)).join(', ')})`,
    lost: String(published.accepted * fanOut - arrived.length + published.refused),
  };
}

async function collect(rig: Rig, path: string, expected: number): Promise<number[]> {
  const latencies: number[] = [];
  const until = Date.now() + SETTLE_MS;
  while (latencies.length < expected && Date.now() < until) {
    const taken = (await (await fetch(`${rig.sinkUrl}/take`)).json()) as Record<string, number[]>;
    latencies.push(...(taken[path] ?? []));
    if (latencies.length < expected) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return latencies.sort((a, b) => a - b);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

const FILING = 'filing.published';
const MATCH = 'monitor.match';

/** Events that carry the time they were sent at. */
function publishing(apiUrl: string, apiKey: string, type: string): Load {
  return {
    apiUrl,
    method: 'POST',
    path: '/v1/events',
    accepts: 202,
    request: () => {
      const sentAt = performance.timeOrigin + performance.now();
      return { apiKey, body: { type, data: { sentAt, pad: 'x'.repeat(100) } } };
    },
  };
}

/** The delivery lines of the bench at one workflow rate. */
export function benchDeliveries(
  workflowRate: string,
  rates: readonly number[],
  seconds: number,
  say: (text: string) => void,
): Promise<Row[]> {
  return withRig(workflowRate, say, async (rig) => {
    const { apiUrl, seeded } = rig.stack;
    const target = publishing(apiUrl, seeded.apiKey, FILING);
    const rows: Row[] = [];
    const line = async (
      what: string,
      path: string,
      fanOut: number,
      publish: () => Promise<LoadResult>,
    ) => {
      say(`workflow rate ${workflowRate}: ${what}`);
      rows.push(await measure(rig, what, path, fanOut, publish));
    };
    const one = await rig.endpoint('/one', FILING);
    await loadAtRate(target, 50, 4);
    await collect(rig, '/one', 200);
    for (const rate of rates) {
      await line(`${rate}/s`, '/one', 1, () => loadAtRate(target, rate, seconds));
    }
    await line('burst of 5,000, 32 connections', '/one', 1, () => loadBurst(target, 5_000, 32));
    await rig.remove(one);
    const twenty = await rig.endpoint('/many', FILING, 20);
    await line('1 event to 20 endpoints, 10/s', '/many', 20, () => loadAtRate(target, 10, seconds));
    await rig.remove(twenty);
    await rig.endpoint('/beside', FILING);
    await rig.endpoint('/hang', MATCH);
    await line('50/s', '/beside', 1, () => loadAtRate(target, 50, seconds));
    await loadBurst(publishing(apiUrl, seeded.apiKey, MATCH), 2_000, 16);
    await line('50/s beside 2,000 to a hanging endpoint', '/beside', 1, () =>
      loadAtRate(target, 50, seconds),
    );
    return rows;
  });
}

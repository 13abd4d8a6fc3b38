import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client, type ClientBase } from 'pg';
import { createApp } from '../api/app';
import { createApiContext } from '../api/context';
import { createHttpMetrics } from '../api/http/http-metrics';
import { operations } from '../api/operations';
import { createDataSource } from '../entities/data-source';
import { poolOf } from '../entities/sql';
import { newSecretsKey, readConfig } from '../platform/config';
import { createLog } from '../platform/log';

interface Query {
  readonly text: string;
  readonly values: readonly unknown[];
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Index Name'?: string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** Tells how a request is answered: the plan of its costliest statement, condensed to indexes and rows touched. */
export interface Planner {
  planOf(path: string, apiKey: string): Promise<string>;
  close(): Promise<void>;
}

/** An API of its own in this process over the same database, whose statements are listened to and explained. */
export async function startPlanner(databaseUrl: string): Promise<Planner> {
  const heard: Query[] = [];
  const config = readConfig({
    DATABASE_URL: databaseUrl,
    SECRETS_KEY: newSecretsKey(),
    LOG_LEVEL: 'silent',
  });
  const db = createDataSource({ url: databaseUrl, poolSize: 4, applicationName: 'secapi-bench' });
  await db.initialize();
  const metrics = createHttpMetrics();
  const context = createApiContext(config, db, createLog('bench', 'silent'), metrics);
  const app = createApp(context, operations, metrics);
  const server = createServer((request, response) => void app.callback()(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // A connection like the API's own, whose settings decide the plans.
  const client = await poolOf(db).connect();
  const listening = listen(heard);
  return {
    async planOf(path, apiKey) {
      heard.length = 0;
      const answer = await fetch(url + path, { headers: { 'x-api-key': apiKey } });
      if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
      await answer.text();
      const reads = heard.filter(
        ({ text }) =>
          /^\s*(SELECT|WITH)\b/i.test(text) &&
          !/\b(INSERT|UPDATE|DELETE|api_keys|rate_windows)\b/.test(text),
      );
      const plans: PlanNode[] = [];
      for (const { text, values } of reads) plans.push(await explain(client, text, values));
      return condensed(plans.sort((a, b) => touched(b) - touched(a))[0]);
    },
    async close() {
      listening.stop();
      client.release();
      await new Promise((resolve) => server.close(resolve));
      await Promise.all([context.lastUse.stop(), context.requestLog.stop()]);
      await db.destroy();
    },
  };
}

/** Notes every statement that a pg client of this process is given. */
function listen(heard: Query[]): { stop(): void } {
  const { query } = Client.prototype;
  const noting = function (this: Client, ...args: unknown[]): unknown {
    const [first, second] = args;
    const { text, values } =
      typeof first === 'string' ? { text: first, values: second } : (first as Partial<Query>);
    if (text && !text.startsWith('EXPLAIN')) {
      heard.push({ text, values: Array.isArray(values) ? (values as unknown[]) : [] });
    }
    return Reflect.apply(query, this, args) as unknown;
  };
  Client.prototype.query = noting as typeof query;
  return { stop: () => void (Client.prototype.query = query) };
}

async function explain(
  client: ClientBase,
  text: string,
  values: readonly unknown[],
): Promise<PlanNode> {
  const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
    `EXPLAIN (ANALYZE, FORMAT JSON) ${text}`,
    [...values],
  );
  const plan = rows[0]?.['QUERY PLAN'][0].Plan;
  if (!plan) throw new Error('no plan was given');
  return plan;
}

function* scansOf(node: PlanNode): Generator<PlanNode> {
  const isScan = node['Relation Name'] !== undefined || node['Index Name'] !== undefined;
  // A bitmap's rows are counted by the index that it was made from.
  if (isScan && node['Node Type'] !== 'Bitmap Heap Scan') yield node;
  for (const inner of node.Plans ?? []) yield* scansOf(inner);
}

const rowsOf = (node: PlanNode): number =>
  Math.round((node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops']);

const touched = (plan: PlanNode): number =>
  [...scansOf(plan)].reduce((sum, node) => sum + rowsOf(node), 0);

/** `index: rows; …` of what was scanned at all, then all rows touched. A scan without an index says so. */
function condensed(plan: PlanNode | undefined): string {
  if (!plan) return '–';
  const by = new Map<string, number>();
  for (const node of scansOf(plan)) {
    if (node['Actual Loops'] === 0 || rowsOf(node) === 0) continue;
    const name = node['Index Name'] ?? `${node['Relation Name']} (no index)`;
    by.set(name, (by.get(name) ?? 0) + rowsOf(node));
  }
  const parts = [...by].sort(([, a], [, b]) => b - a).slice(0, 4);
  return `${touched(plan)} rows: ${parts.map(([name, rows]) => `${name} ${rows}`).join(', ')}`;
}

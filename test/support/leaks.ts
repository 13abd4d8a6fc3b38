import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import type { TestApi } from './api';
import type { TestTemporal } from './temporal';

/** Where a secret that was handed out stands in the clear: a log line, a table's row, a workflow's history. */
export async function leaks(
  secrets: ReadonlySet<string>,
  looked: {
    readonly lines: readonly string[];
    readonly api: TestApi;
    readonly temporal: TestTemporal;
  },
): Promise<string[]> {
  const found: string[] = [];
  const look = (place: string, text: string): void => {
    for (const secret of secrets) {
      if (text.includes(secret)) found.push(`${place} holds ${secret.slice(0, 12)}… in the clear`);
    }
  };
  for (const line of looked.lines) look('a log line', line);
  const { db } = looked.api.database;
  const tables = await db.query<{ name: string }[]>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
  );
  for (const { name } of tables) {
    const rows = await db.query<{ text: string }[]>(`SELECT t::text AS text FROM "${name}" t`);
    for (const { text } of rows) look(`table ${name}`, text);
  }
  for (const text of await histories(looked.temporal)) look('a workflow’s history', text);
  return found;
}

async function histories({ address, namespace }: TestTemporal): Promise<string[]> {
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace });
  const texts: string[] = [];
  for await (const { workflowId, runId } of client.workflow.list()) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    texts.push(decoded(historyToJSON(history)));
  }
  await connection.close();
  return texts;
}

/** A history with its payloads (base64) also as plain text. */
function decoded(json: string): string {
  const payloads = [...json.matchAll(/"data":\s*"([^"]+)"/g)].map(([, data]) =>
    Buffer.from(data ?? '', 'base64').toString(),
  );
  return [json, ...payloads].join('\n');
}

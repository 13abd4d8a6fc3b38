import { Client, Connection } from '@temporalio/client';
import type { TestTemporal } from './temporal';

/** An operator's client of a test's Temporal server. */
export async function workflowClient({
  address,
  namespace,
}: Pick<TestTemporal, 'address' | 'namespace'>): Promise<{
  client: Client;
  close(): Promise<void>;
}> {
  const connection = await Connection.connect({ address });
  return { client: new Client({ connection, namespace }), close: () => connection.close() };
}

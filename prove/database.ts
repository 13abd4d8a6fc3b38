import { Client } from 'pg';

/** One query on a connection of its own. */
export async function queryOnce<Row extends object>(
  databaseUrl: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  return withConnection(databaseUrl, async (client) => {
    return (await client.query<Row>(text, [...values])).rows;
  });
}

/** Runs `act` with a connection of its own, whatever becomes of the server. */
export async function withConnection<Value>(
  databaseUrl: string,
  act: (client: Client) => Promise<Value>,
): Promise<Value> {
  const client = new Client({ connectionString: databaseUrl });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await act(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

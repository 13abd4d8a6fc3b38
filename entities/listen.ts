import { Client } from 'pg';
import type { Log } from '../platform/log';

const RECONNECT_MS = 1_000;

/** Listens to Postgres' notifications on a connection of its own, and connects again when it is lost. */
export function listen(
  databaseUrl: string,
  channels: Readonly<Record<string, () => void>>,
  log: Log,
): { stop(): Promise<void> } {
  let client: Client | null = null;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  async function connect(): Promise<void> {
    const fresh = new Client({
      connectionString: databaseUrl,
      application_name: 'secapi-listen',
      keepAlive: true,
    });
    fresh.on('error', () => lost(fresh));
    fresh.on('end', () => lost(fresh));
    fresh.on('notification', ({ channel }) => channels[channel]?.());
    client = fresh;
    await fresh.connect();
    for (const channel of Object.keys(channels)) await fresh.query(`LISTEN ${channel}`);
    for (const wake of Object.values(channels)) wake();
  }

  function lost(which: Client): void {
    if (stopped || client !== which) return;
    client = null;
    log.warn('the listening connection was lost; polling until it is back');
    which.end().catch(() => undefined);
    timer = setTimeout(attempt, RECONNECT_MS);
  }

  function attempt(): void {
    connect().catch(() => {
      const failed = client;
      client = null;
      failed?.end().catch(() => undefined);
      if (!stopped) timer = setTimeout(attempt, RECONNECT_MS);
    });
  }

  attempt();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await client?.end().catch(() => undefined);
    },
  };
}

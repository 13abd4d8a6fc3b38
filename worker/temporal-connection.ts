import { Client } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import type { Log } from '../platform/log';
import { tellTrace } from './trace-temporal';

const RETRY_MS = 1_000;

/** The process's one connection to Temporal: the client and the workers share it, so that eager starts work. */
export interface TemporalConnection {
  readonly connection: NativeConnection;
  readonly client: Client;
}

/** Connects, trying again for as long as Temporal is away; gives up (null) when `stopped` says so. */
export async function connectTemporal(
  options: { readonly address: string; readonly namespace: string },
  log: Log,
  stopped: () => boolean,
): Promise<TemporalConnection | null> {
  for (let tries = 0; !stopped(); tries++) {
    try {
      const connection = await NativeConnection.connect({ address: options.address });
      const client = new Client({
        connection,
        namespace: options.namespace,
        interceptors: { workflow: [tellTrace] },
      });
      return { connection, client };
    } catch (error) {
      if (tries % 30 === 0) log.warn({ err: error }, 'Temporal is away; trying again');
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
  return null;
}

import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApp } from '../../api/app';
import { createApiContext } from '../../api/context';
import { drainable } from '../../api/drainable';
import { createHttpMetrics } from '../../api/http/http-metrics';
import type { ApiContext } from '../../api/http/operation';
import { operations } from '../../api/operations';
import { createHttpServer } from '../../api/server';
import { SOCKET_LIMITS, type SocketLimits } from '../../api/streams/socket-limits';
import { createStreamSockets, type StreamSockets } from '../../api/streams/socket-server';
import { SCOPES, type Scope } from '../../entities/api-key';
import { createOrganization, mintApiKey } from '../../entities/create-organization';
import { systemClock, type Clock } from '../../platform/clock';
import type { Config } from '../../platform/config';
import { createLog, type Log } from '../../platform/log';
import { testConfig } from './config';
import { freshDatabase, sameDatabase, type TestDatabase } from './database';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into any reply
  readonly body: any;
}

export interface Tenant {
  readonly orgId: string;
  readonly key: string;
  /** Sends a request with the tenant's key. */
  call(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>;
}

export interface TestApi {
  readonly url: string;
  readonly database: TestDatabase;
  readonly context: ApiContext;
  readonly config: Config;
  readonly sockets: StreamSockets;
  newTenant(options?: {
    planKey?: string;
    scopes?: readonly Scope[];
    livemode?: boolean;
  }): Promise<Tenant>;
  /** A key more for an organization that is there. */
  newKey(
    orgId: string,
    options?: { scopes?: readonly Scope[]; livemode?: boolean },
  ): Promise<Tenant>;
  /** Another API process, as it were, over the same database and configuration but for what is set otherwise. */
  another(settings?: Record<string, string>): Promise<TestApi>;
  /** Leaves as the process does on SIGTERM; answers whether nothing had to be cut. */
  leave(graceMs: number): Promise<boolean>;
  close(): Promise<void>;
}

/** The real API on a free port, over a database of its own. */
export async function startApi(
  settings: Record<string, string> = {},
  clock: Clock = systemClock,
  log: Log = createLog('test', 'silent'),
  socketLimits: Partial<SocketLimits> = {},
): Promise<TestApi> {
  const database = await freshDatabase();
  return serve(database, testConfig(database.url, settings), clock, log, socketLimits);
}

async function serve(
  database: TestDatabase,
  config: Config,
  clock: Clock,
  log: Log,
  socketLimits: Partial<SocketLimits>,
): Promise<TestApi> {
  const metrics = createHttpMetrics();
  const leaving = new AbortController();
  const context = createApiContext(config, database.db, log, metrics, clock, leaving.signal);
  const app = createApp(context, operations, metrics);
  const server: Server = createHttpServer(app.callback(), config);
  const drain = drainable(server);
  const sockets = createStreamSockets(context, metrics, { ...SOCKET_LIMITS, ...socketLimits });
  sockets.attach(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const newKey: TestApi['newKey'] = async (orgId, options = {}) => {
    const { secret } = await database.db.transaction((tx) =>
      mintApiKey(tx, {
        orgId,
        livemode: options.livemode ?? true,
        scopes: options.scopes ?? SCOPES.filter((scope) => scope !== 'admin:operator'),
        label: null,
        now: new Date(),
      }),
    );
    return {
      orgId,
      key: secret,
      call: (method, path, body, headers) =>
        send(url + path, method, body, { 'x-api-key': secret, ...headers }),
    };
  };

  return {
    url,
    database,
    context,
    config,
    sockets,
    newKey,
    another: async (settings) =>
      serve(
        await sameDatabase(database.url),
        settings ? testConfig(database.url, settings) : config,
        clock,
        log,
        socketLimits,
      ),
    async newTenant(options = {}) {
      const organization = await database.db.transaction((tx) =>
        createOrganization(tx, {
          name: 'Acme',
          planKey: options.planKey ?? 'team',
          now: new Date(),
        }),
      );
      return newKey(organization.id, options);
    },
    leave(graceMs) {
      leaving.abort();
      return drain(graceMs);
    },
    async close() {
      await sockets.drain();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await Promise.all([
        context.lastUse.stop(),
        context.requestLog.stop(),
        context.tracer?.stop(),
      ]);
      await database.close();
    },
  };
}

/** One HTTP request; a string body goes as it is, anything else as JSON. */
export async function send(
  url: string,
  method: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const isText = typeof body === 'string';
  const response = await fetch(url, {
    method: method.toUpperCase(),
    redirect: 'manual',
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = (response.headers.get('content-type') ?? '').includes('application/json');
  const parsed: unknown = isJson ? JSON.parse(text) : null;
  return { status: response.status, headers: response.headers, text, body: parsed };
}

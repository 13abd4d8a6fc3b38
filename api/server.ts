import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { catalogFaults } from '../catalog/load-catalog';
import { createDataSource } from '../entities/data-source';
import { openDatabase } from '../entities/open-database';
import { poolOf } from '../entities/sql';
import { systemClock } from '../platform/clock';
import { readConfig, type Config } from '../platform/config';
import { Fault } from '../platform/fault';
import { newId } from '../platform/ids';
import { createLog, type Log } from '../platform/log';
import { listenOn } from '../platform/listen-on';
import { registerPool } from '../platform/metrics';
import { orExit } from '../platform/or-exit';
import { createApp } from './app';
import { createApiContext } from './context';
import { drainable } from './drainable';
import { errorBody, rawErrorAnswer } from './http/error-body';
import { createHttpMetrics } from './http/http-metrics';
import { traceparentOf } from './http/request-state';
import { operations } from './operations';
import { createStreamSockets } from './streams/socket-server';

/** Longer than any request takes. */
const DRAIN_MS = 35_000;
const RELEASE_MS = 5_000;

async function main(): Promise<void> {
  const config = await orExit(() =>
    readConfig(process.env, [({ CATALOG_PATH }) => catalogFaults(CATALOG_PATH)]),
  );
  const log = createLog('api', config.LOG_LEVEL);
  const db = createDataSource({
    url: config.DATABASE_URL,
    poolSize: config.DATABASE_POOL,
    applicationName: 'secapi-api',
    onError: (error) => log.warn({ err: error }, 'a database connection was lost'),
  });
  const metrics = createHttpMetrics();
  registerPool(metrics.registry, () => (db.isInitialized ? poolOf(db) : null));
  const leaving = new AbortController();
  const context = createApiContext(config, db, log, metrics, systemClock, leaving.signal);
  const app = createApp(context, operations, metrics);
  const server = createHttpServer(app.callback(), config);
  const drain = drainable(server);
  const sockets = createStreamSockets(context, metrics);
  sockets.attach(server);
  leaveOnSignal(log, async () => {
    leaving.abort();
    const [clean] = await Promise.all([drain(DRAIN_MS), sockets.drain()]);
    await Promise.all([context.lastUse.stop(), context.requestLog.stop()]);
    if (db.isInitialized) await db.destroy();
    await context.tracer?.stop();
    return clean;
  });
  const at = { host: config.HOST, port: config.PORT, setting: 'PORT' } as const;
  await orExit(() => listenOn(server, at));
  log.info({ port: config.PORT }, 'api started');
  await orExit(() => openDatabase(db, log, context.catalog));
}

/** An HTTP server that answers in the contract's form even where a request's head can't be parsed. */
export function createHttpServer(
  handler: ReturnType<ReturnType<typeof createApp>['callback']>,
  config: Pick<Config, 'PUBLIC_URL'>,
): Server {
  const server = createServer(
    { keepAliveTimeout: 65_000, headersTimeout: 20_000, requestTimeout: 60_000 },
    (request, response) => void handler(request, response),
  );
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return socket.destroy();
    const tooLarge = error.code === 'HPE_HEADER_OVERFLOW';
    const fault = tooLarge
      ? new Fault('headers_too_large')
      : new Fault('invalid_request', { message: 'The request is not valid HTTP.' });
    const requestId = newId('req');
    const traceparent = traceparentOf({});
    const body = errorBody(fault, { requestId, traceparent, publicUrl: config.PUBLIC_URL });
    socket.end(rawErrorAnswer(fault, body));
    return undefined;
  });
  return server;
}

/**
 * On SIGTERM or SIGINT: takes no more connections, ends waits, closes sockets, finishes what is in flight, writes what
 * is remembered of it, then leaves: with 0, or with 1 where something was cut short.
 */
function leaveOnSignal(log: Log, end: () => Promise<boolean>): void {
  let leaving = false;
  const leave = async (): Promise<void> => {
    if (leaving) return;
    leaving = true;
    log.info('draining');
    setTimeout(() => process.exit(1), DRAIN_MS + RELEASE_MS).unref();
    const clean = await end().catch((error: unknown) => {
      log.warn({ err: error }, 'not everything was released');
      return false;
    });
    process.exit(clean ? 0 : 1);
  };
  process.on('SIGTERM', () => void leave());
  process.on('SIGINT', () => void leave());
}

if (require.main === module) void main();

import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { catalogFaults } from '../catalog/load-catalog';
import { createDataSource } from '../entities/data-source';
import { openDatabase } from '../entities/open-database';
import { readConfig, type Config } from '../platform/config';
import { Fault } from '../platform/fault';
import { newId } from '../platform/ids';
import { createLog, type Log } from '../platform/log';
import { orExit } from '../platform/or-exit';
import { createApp } from './app';
import { createApiContext } from './context';
import { errorBody, rawErrorAnswer } from './http/error-body';
import { createHttpMetrics } from './http/http-metrics';
import { operations } from './operations';

const DRAIN_MS = 10_000;

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
  const context = createApiContext(config, db, log, metrics);
  const app = createApp(context, operations, metrics);
  const server = createHttpServer(app.callback(), config);
  server.listen(config.PORT, config.HOST, () => log.info({ port: config.PORT }, 'api started'));
  drainOnSignal(server, log, async () => {
    await Promise.all([context.lastUse.stop(), context.requestLog.stop()]);
    await db.destroy();
  });
  await orExit(() => openDatabase(db, log));
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
    const body = errorBody(fault, { requestId: newId('req'), publicUrl: config.PUBLIC_URL });
    socket.end(rawErrorAnswer(fault, body));
    return undefined;
  });
  return server;
}

/** On SIGTERM or SIGINT: takes no more connections, finishes what is in flight, then leaves. */
function drainOnSignal(server: Server, log: Log, release: () => Promise<void>): void {
  let draining = false;
  const drain = (): void => {
    if (draining) return;
    draining = true;
    log.info('draining');
    setTimeout(() => process.exit(1), DRAIN_MS).unref();
    server.close(() => void release().finally(() => process.exit(0)));
    server.closeIdleConnections();
  };
  process.on('SIGTERM', drain);
  process.on('SIGINT', drain);
}

if (require.main === module) void main();

import { createServer, type Server } from 'node:http';
import { catalogFaults, loadCatalog } from '../catalog/load-catalog';
import { createDataSource } from '../entities/data-source';
import { openDatabase } from '../entities/open-database';
import { readConfig } from '../platform/config';
import { listenOn } from '../platform/listen-on';
import { createLog } from '../platform/log';
import { orExit } from '../platform/or-exit';
import { installTemporalRuntime } from './run-workflows';
import { startWorker, type RunningWorker } from './worker';

const DRAIN_MS = 40_000;

async function main(): Promise<void> {
  const config = await orExit(() =>
    readConfig(process.env, [({ CATALOG_PATH }) => catalogFaults(CATALOG_PATH)]),
  );
  const log = createLog('worker', config.LOG_LEVEL);
  installTemporalRuntime(log);
  const db = createDataSource({
    url: config.DATABASE_URL,
    poolSize: config.DATABASE_POOL,
    applicationName: 'secapi-worker',
    onError: (error) => log.warn({ err: error }, 'a database connection was lost'),
  });
  await orExit(() => openDatabase(db, log, loadCatalog(config.CATALOG_PATH)));
  // The port first: a worker that has to give up has not taken any work yet.
  const server = createServer();
  const at = { host: config.HOST, port: config.WORKER_PORT, setting: 'WORKER_PORT' } as const;
  await orExit(() => listenOn(server, at));
  const worker = startWorker(config, db, log);
  serveHealth(server, worker);
  log.info({ port: config.WORKER_PORT }, 'worker started');

  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    log.info('draining');
    setTimeout(() => process.exit(1), DRAIN_MS).unref();
    void worker
      .stop()
      .then(() => db.destroy())
      .finally(() => {
        server.close();
        process.exit(0);
      });
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

function serveHealth(server: Server, worker: RunningWorker): void {
  const { metrics } = worker;
  server.on('request', (request, response) => {
    if (request.url === '/metrics') {
      void metrics.metrics().then((text) => {
        response.writeHead(200, { 'content-type': metrics.contentType }).end(text);
      });
      return;
    }
    const found = request.url === '/healthz';
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(found ? { status: 'ok', temporal: worker.temporal() } : {}));
  });
}

void main();

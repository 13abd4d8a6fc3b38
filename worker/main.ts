import { createServer } from 'node:http';
import { Gauge } from 'prom-client';
import { createDataSource } from '../entities/data-source';
import { ConfigError, readConfig, type Config } from '../platform/config';
import { createLog } from '../platform/log';
import { createMetrics } from '../platform/metrics';
import { installTemporalRuntime } from './run-workflows';
import { startWorker, type RunningWorker } from './worker';

const CONNECT_RETRY_MS = 1_000;
const DRAIN_MS = 40_000;

async function main(): Promise<void> {
  const config = readConfigOrExit();
  const log = createLog('worker', config.LOG_LEVEL);
  installTemporalRuntime(log);
  const db = createDataSource({
    url: config.DATABASE_URL,
    poolSize: config.DATABASE_POOL,
    applicationName: 'secapi-worker',
    onError: (error) => log.warn({ err: error }, 'a database connection was lost'),
  });
  while (!db.isInitialized) {
    await db.initialize().catch(async (error: unknown) => {
      log.warn({ err: error }, 'Postgres is away; trying again');
      await new Promise((resolve) => setTimeout(resolve, CONNECT_RETRY_MS));
    });
  }
  const worker = startWorker(config, db, log);
  const server = serveHealth(config, worker);
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

function serveHealth(config: Config, worker: RunningWorker) {
  const metrics = createMetrics();
  new Gauge({
    name: 'secapi_temporal_up',
    help: 'Whether this worker has Temporal (1) or not (0)',
    registers: [metrics],
    collect() {
      this.set(worker.temporal() === 'up' ? 1 : 0);
    },
  });
  const server = createServer((request, response) => {
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
  return server.listen(config.WORKER_PORT, config.HOST);
}

function readConfigOrExit(): Config {
  try {
    return readConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}

void main();

import type { DataSource } from 'typeorm';
import { loadCatalog } from '../catalog/load-catalog';
import { createWaker } from '../entities/wake-workers';
import { systemClock, type Clock } from '../platform/clock';
import type { Config } from '../platform/config';
import type { Log } from '../platform/log';
import { createSecretBox } from '../platform/secret-box';
import { createCursors } from './http/cursor';
import type { ApiContext } from './http/operation';

/** Everything that operations use, made from the configuration and a database. Throws CatalogError. */
export function createApiContext(
  config: Config,
  db: DataSource,
  log: Log,
  clock: Clock = systemClock,
): ApiContext {
  const [sealingKey] = config.SECRETS_KEY;
  if (!sealingKey) throw new Error('SECRETS_KEY lists no key');
  return {
    db,
    config,
    clock,
    log,
    catalog: loadCatalog(config.CATALOG_PATH),
    secrets: createSecretBox(config.SECRETS_KEY),
    cursors: createCursors(sealingKey),
    schedule: {
      waitsSeconds: config.DELIVERY_SCHEDULE_SECONDS,
      windowSeconds: config.DELIVERY_WINDOW_SECONDS,
    },
    wake: createWaker(db),
  };
}

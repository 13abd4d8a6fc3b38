import type { DataSource } from 'typeorm';
import { loadCatalog } from '../catalog/load-catalog';
import { approvalMailing } from '../entities/approval-mail';
import { createGate, watchGate } from '../entities/gate-queue';
import { createWaker } from '../entities/wake-workers';
import { createIgnoredEvents, createStripePort } from '../integrations/stripe';
import { createLocalDisk } from '../integrations/storage';
import { systemClock, type Clock } from '../platform/clock';
import type { Config } from '../platform/config';
import type { Log } from '../platform/log';
import { createSecretBox } from '../platform/secret-box';
import { createLinkSigner } from '../platform/signed-link';
import { createTracer } from '../platform/trace';
import { createOidcVerifier } from '../integrations/oidc';
import { createCursors } from './http/cursor';
import type { HttpMetrics } from './http/http-metrics';
import { createLastUse } from './http/last-use';
import type { ApiContext } from './http/operation';
import { createRateLimiter } from './http/rate-limit';
import { createRequestLog } from './http/request-log';

/** Everything that operations use, made from the configuration and a database. Throws CatalogError. */
export function createApiContext(
  config: Config,
  db: DataSource,
  log: Log,
  metrics: HttpMetrics,
  clock: Clock = systemClock,
  leaving: AbortSignal = new AbortController().signal,
): ApiContext {
  return {
    db,
    config,
    clock,
    leaving,
    log,
    catalog: loadCatalog(config.CATALOG_PATH),
    secrets: createSecretBox(config.SECRETS_KEY),
    cursors: createCursors(config.SECRETS_KEY),
    gate: watchGate(createGate(db), metrics.gateAnswered),
    limiter: createRateLimiter(db, clock, metrics.rateLimitStoreAway),
    lastUse: createLastUse(db),
    requestLog: createRequestLog(db, log),
    approvalMailing: approvalMailing(config),
    oidc:
      config.OIDC_ISSUER === ''
        ? null
        : createOidcVerifier({
            issuer: config.OIDC_ISSUER,
            audience: config.OIDC_AUDIENCE || config.PUBLIC_URL,
            algorithms: config.OIDC_ALGORITHMS,
            clockSkewSeconds: config.OIDC_CLOCK_SKEW_SECONDS,
          }),
    stripe:
      config.STRIPE_SECRET_KEY === ''
        ? null
        : createStripePort({
            secretKey: config.STRIPE_SECRET_KEY,
            apiUrl: config.STRIPE_API_URL,
            webhookSecret: config.STRIPE_WEBHOOK_SECRET,
          }),
    countIgnored: createIgnoredEvents(metrics.registry),
    storage: createLocalDisk(config.ARTIFACTS_FOLDER),
    artifactLinks: createLinkSigner(config.SECRETS_KEY, 'artifact links'),
    schedule: {
      waitsSeconds: config.DELIVERY_SCHEDULE_SECONDS,
      windowSeconds: config.DELIVERY_WINDOW_SECONDS,
    },
    wake: createWaker(db),
    tracer: createTracer(config, 'secapi-api', log, metrics.registry),
  };
}

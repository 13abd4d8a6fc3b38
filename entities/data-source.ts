import 'reflect-metadata';
import { DataSource } from 'typeorm';
import { ApiKey } from './api-key';
import { Artifact } from './artifact';
import { AuditRecord } from './audit-record';
import { BootstrapToken } from './bootstrap-token';
import { Event } from './event';
import { Invitation } from './invitation';
import { Member } from './member';
import { Checkout1764300000000 } from './migrations/1764300000000-checkout';
import { CoveringIndexes1764995000000 } from './migrations/1764995000000-covering-indexes';
import { DeliveryRollups1764900000000 } from './migrations/1764900000000-delivery-rollups';
import { EndpointHealth1764530000000 } from './migrations/1764530000000-endpoint-health';
import { EventLog1764400000000 } from './migrations/1764400000000-event-log';
import { FoldIndexes1764971000000 } from './migrations/1764971000000-fold-indexes';
import { GoneCustomers1764960000000 } from './migrations/1764960000000-gone-customers';
import { Ground1764000000000 } from './migrations/1764000000000-ground';
import { Identity1764100000000 } from './migrations/1764100000000-identity';
import { LogIndexes1764950000000 } from './migrations/1764950000000-log-indexes';
import { Metering1764200000000 } from './migrations/1764200000000-metering';
import { RequestIds1764910000000 } from './migrations/1764910000000-request-ids';
import { Artifacts1764500000000 } from './migrations/1764500000000-artifacts';
import { ReservedUnits1764990000000 } from './migrations/1764990000000-reserved-units';
import { Retention1764510000000 } from './migrations/1764510000000-retention';
import { Recoveries1764520000000 } from './migrations/1764520000000-recoveries';
import { StreamRollups1764970000000 } from './migrations/1764970000000-stream-rollups';
import { StreamSockets1764570000000 } from './migrations/1764570000000-stream-sockets';
import { Reconciliation1764600000000 } from './migrations/1764600000000-reconciliation';
import { Traceparents1764980000000 } from './migrations/1764980000000-traceparents';
import { Organization } from './organization';
import { StreamSubscription } from './stream';
import { User } from './user';
import { WebhookAttempt } from './webhook-attempt';
import { WebhookDelivery } from './webhook-delivery';
import { WebhookEndpoint } from './webhook-endpoint';
import { WebhookRecovery } from './webhook-recovery';

export interface DatabaseOptions {
  readonly url: string;
  /** Connections held at most. */
  readonly poolSize: number;
  readonly applicationName: string;
  /** How long a statement may take (ms; 0: as long as it takes); 30 s unless said. */
  readonly statementTimeoutMs?: number;
  readonly onError?: (error: Error) => void;
}

/**
 * What every connection sets. A prepared statement keeps its plan: one made while a table was small would walk the
 * whole of it until its next ANALYZE, so plans go by index from the start. No request's statement runs long enough to
 * be worth compiling, or starting processes for (10 ms, where a large table makes one look costly).
 */
const SESSION = '-c enable_seqscan=off -c jit=off -c max_parallel_workers_per_gather=0';

/** The database, not yet connected: call `initialize()`. Its pool survives a Postgres that goes away and comes back. */
export function createDataSource(options: DatabaseOptions): DataSource {
  return new DataSource({
    type: 'postgres',
    url: options.url,
    applicationName: options.applicationName,
    poolSize: options.poolSize,
    connectTimeoutMS: 5_000,
    entities: [
      ApiKey,
      Artifact,
      AuditRecord,
      BootstrapToken,
      Event,
      Invitation,
      Member,
      Organization,
      StreamSubscription,
      User,
      WebhookAttempt,
      WebhookDelivery,
      WebhookEndpoint,
      WebhookRecovery,
    ],
    migrations: [
      Ground1764000000000,
      Identity1764100000000,
      Metering1764200000000,
      Checkout1764300000000,
      EventLog1764400000000,
      Artifacts1764500000000,
      Retention1764510000000,
      Recoveries1764520000000,
      EndpointHealth1764530000000,
      StreamSockets1764570000000,
      Reconciliation1764600000000,
      DeliveryRollups1764900000000,
      RequestIds1764910000000,
      LogIndexes1764950000000,
      GoneCustomers1764960000000,
      StreamRollups1764970000000,
      FoldIndexes1764971000000,
      Traceparents1764980000000,
      ReservedUnits1764990000000,
      CoveringIndexes1764995000000,
    ],
    migrationsTableName: 'migrations',
    installExtensions: false,
    logging: false,
    extra: {
      statement_timeout: options.statementTimeoutMs ?? 30_000,
      keepAlive: true,
      options: SESSION,
    },
    poolErrorHandler: (error: Error) => options.onError?.(error),
  });
}

import type { Registry } from 'prom-client';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { createDeliveryActivities } from '../activities/deliver-webhook';
import { createEndpointSlots } from '../activities/endpoint-slots';
import { createMakeAttempt } from '../activities/make-attempt';
import { createRetentionActivities } from '../activities/prune-records';
import { createArtifactActivities } from '../activities/build-artifact';
import { createApprovalActivities } from '../activities/approve-budget';
import { createRecoveryActivities } from '../activities/recover-endpoint';
import { createStripeActivities, type StripeActivities } from '../activities/stripe';
import { createMailActivities } from '../activities/send-mail';
import { loadCatalog } from '../catalog/load-catalog';
import { approvalMailing } from '../entities/approval-mail';
import { claimFreshAttempts } from '../entities/claim-attempt';
import { listen } from '../entities/listen';
import { poolOf } from '../entities/sql';
import { readWorkFigures } from '../entities/work-figures';
import { createMailer, type Mailer } from '../integrations/mail';
import { createIgnoredEvents, createStripePort } from '../integrations/stripe';
import { createLocalDisk } from '../integrations/storage';
import { createWebhookSender } from '../integrations/webhook-sender';
import { HOUR_MS, systemClock } from '../platform/clock';
import type { Config } from '../platform/config';
import type { Log } from '../platform/log';
import { createMetrics, registerPool } from '../platform/metrics';
import { createSecretBox } from '../platform/secret-box';
import { createTracer } from '../platform/trace';
import { PRUNE_RECORDS, SWEEP_STRIPE } from '../workflows/contracts';
import { createCarry, showDelivery } from './carry-command';
import { createDeliveryMetrics } from './delivery-metrics';
import { createEndpointHealth } from './endpoint-health';
import { createFirstAttempts } from './first-attempts';
import { createMeteringLoops } from './metering';
import { createPacedAttempts } from './paced-attempts';
import { createRecorder } from './record-batches';
import { createRelay } from './relay';
import { createStripeInbox } from './stripe-inbox';
import { createTemporalSession } from './temporal-session';
import { builtBundle } from './run-workflows';
import { createTokenBucket } from './token-bucket';
import { traceCarry } from './trace-carry';
import { createUpkeepLoops } from './upkeep';
import { watchAttempts, watchRecords } from './watch-deliveries';
import { registerWork } from './work-metrics';

const PER_ENDPOINT = 64;
const PER_SLOW_ENDPOINT = 4;
const SLOW_MS = 2_000;
const SWEEP_MS = 60_000;

export interface RunningWorker {
  readonly temporal: () => 'up' | 'away';
  readonly metrics: Registry;
  /** Takes no more work, finishes what is in flight, and lets go of everything. */
  stop(): Promise<void>;
}

/** Starts all that a worker does: first attempts, the relay, workflows and activities, and small upkeep. */
export function startWorker(
  config: Config,
  db: DataSource,
  log: Log,
  workflowBundle: string = builtBundle(),
  registry: Registry = createMetrics(),
): RunningWorker {
  const clock = systemClock;
  const schedule = {
    waitsSeconds: config.DELIVERY_SCHEDULE_SECONDS,
    windowSeconds: config.DELIVERY_WINDOW_SECONDS,
  };
  const slots = createEndpointSlots(PER_ENDPOINT, PER_SLOW_ENDPOINT, SLOW_MS);
  const sender = createWebhookSender({ allowPrivate: config.ALLOW_PRIVATE_DESTINATIONS });
  const secrets = createSecretBox(config.SECRETS_KEY);
  const metrics = createDeliveryMetrics(registry);
  const tracer = createTracer(config, 'secapi-worker', log, registry);
  const making = createMakeAttempt({ clock, secrets, sender, tracer });
  const makeAttempt = watchAttempts(making, log, metrics);
  const recorded = watchRecords(log, metrics);

  /** Set once the loops are there: activities ask for a turn of them. */
  let wakeLoops: () => void = () => undefined;
  const wake = (): void => wakeLoops();

  const stripe = stripeActivities(config, { db, clock, log, schedule, metrics: registry, wake });

  const temporal = createTemporalSession({
    address: config.TEMPORAL_ADDRESS,
    namespace: config.TEMPORAL_NAMESPACE,
    workflowBundle,
    activities: {
      deliveries: {
        ...createDeliveryActivities({ db, clock, schedule, makeAttempt, slots, recorded }),
        ...createRecoveryActivities({ db, clock, log, schedule, makeAttempt, slots, recorded }),
      },
      business: {
        ...createMailActivities({ db, clock, log, secrets, mailer: mailerOf(config) }),
        ...createApprovalActivities({
          db,
          clock,
          log,
          schedule,
          mailing: approvalMailing(config),
          wake,
        }),
        ...createArtifactActivities({
          db,
          clock,
          schedule,
          storage: createLocalDisk(config.ARTIFACTS_FOLDER),
          workFolder: join(config.ARTIFACTS_FOLDER, '.work'),
          wake,
        }),
        ...createRetentionActivities({ db, clock, log, retentionDays: config.RETENTION_DAYS }),
        ...stripe,
      },
    },
    schedules: [
      { workflow: PRUNE_RECORDS, everyMs: HOUR_MS },
      ...(stripe ? [{ workflow: SWEEP_STRIPE, everyMs: SWEEP_MS }] : []),
    ],
    log,
    tracer,
  });
  const isTemporalUp = (): boolean => temporal.state() === 'up';
  const relay = createRelay({
    db,
    clock,
    log,
    carry: traceCarry(createCarry(temporal.client), tracer),
    isTemporalUp,
    metrics,
    starts: createTokenBucket(config.DELIVERY_START_RATE),
  });
  registerPool(registry, () => (db.isInitialized ? poolOf(db) : null));
  registerWork(registry, {
    figures: () => readWorkFigures(db, clock.now()),
    temporal: temporal.client,
    isTemporalUp,
  });
  const shown = createTokenBucket(config.DELIVERY_WORKFLOW_RATE);
  const recorder = createRecorder({
    db,
    log,
    schedule,
    recorded,
    onFailed: relay.wake,
    onDelivered(outcome) {
      const client = temporal.client();
      if (!client || shown.available() < 1) return;
      shown.take(1);
      const { deliveryId } = outcome;
      showDelivery(client, outcome).catch((error: unknown) =>
        log.debug({ err: error, deliveryId }, 'a delivered one got no workflow; its row tells'),
      );
    },
  });
  const attempts = {
    clock,
    log,
    slots,
    totalSlots: config.DELIVERY_SLOTS,
    perEndpoint: PER_ENDPOINT,
    makeAttempt,
    recorder,
  };
  const first = createFirstAttempts({
    ...attempts,
    name: 'first attempts',
    claim: (query) => claimFreshAttempts(db, query),
  });
  const paced = createPacedAttempts({ ...attempts, db });
  const upkeep = createUpkeepLoops({ db, clock, log, schedule, temporal: temporal.state });
  const metering = createMeteringLoops({ db, clock, log, schedule, secrets, config, wake });
  const inbox = stripe
    ? createStripeInbox({ db, clock, log, apply: stripe.applyStripeEvent })
    : null;
  const wakeFirst = (): void => {
    first.wake();
    paced.wake();
  };
  wakeLoops = () => {
    wakeFirst();
    relay.wake();
  };
  const health = createEndpointHealth({ db, clock, log, schedule, secrets, wake });
  const loops = [first, paced, health, relay, ...upkeep, ...metering, ...(inbox ? [inbox] : [])];
  for (const loop of loops) loop.start();
  temporal.start();
  const listener = listen(
    config.DATABASE_URL,
    {
      secapi_delivery: wakeFirst,
      secapi_command: () => {
        relay.wake();
        inbox?.wake();
      },
    },
    log,
  );

  return {
    temporal: temporal.state,
    metrics: registry,
    async stop() {
      await listener.stop();
      await Promise.all(loops.map((loop) => loop.stop()));
      await Promise.all([first.drain(), paced.drain(), temporal.stop()]);
      await sender.close();
      await tracer?.stop();
    },
  };
}

/** What reconciles with Stripe; null where no key is set. */
function stripeActivities(
  config: Config,
  deps: Pick<
    Parameters<typeof createStripeActivities>[0],
    'db' | 'clock' | 'log' | 'schedule' | 'wake'
  > & { readonly metrics: Registry },
): StripeActivities | null {
  if (config.STRIPE_SECRET_KEY === '') return null;
  return createStripeActivities({
    ...deps,
    catalog: loadCatalog(config.CATALOG_PATH),
    stripe: createStripePort({
      secretKey: config.STRIPE_SECRET_KEY,
      apiUrl: config.STRIPE_API_URL,
      webhookSecret: config.STRIPE_WEBHOOK_SECRET,
    }),
    publicUrl: config.PUBLIC_URL,
    graceDays: config.PAYMENT_GRACE_DAYS,
    countIgnored: createIgnoredEvents(deps.metrics),
  });
}

function mailerOf(config: Config): Mailer | null {
  const { SMTP_URL: smtpUrl, MAIL_FROM: from, MAIL_FOLDER: folder } = config;
  return createMailer({ smtpUrl, from, folder });
}

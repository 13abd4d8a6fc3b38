import type { Client } from '@temporalio/client';
import { Gauge, type Registry } from 'prom-client';
import type { WorkFigures } from '../entities/work-figures';

/** For so long what was read is shown again, however often the metrics are. */
const FRESH_MS = 10_000;
const COUNT_DEADLINE_MS = 2_000;

/** Gauges of what waits, over all organizations: every worker shows the same, so dashboards take their maximum. */
const GAUGES: readonly [name: string, help: string, of: (figures: WorkFigures) => number][] = [
  ['secapi_outbox_commands', 'Commands that wait to be carried to Temporal', (f) => f.outbox.depth],
  [
    'secapi_outbox_age_seconds',
    'How long the oldest command waits, paced starts of deliveries aside',
    (f) => f.outbox.ageSeconds,
  ],
  ['secapi_deliveries_pending', 'Deliveries that wait for an attempt', (f) => f.deliveries.pending],
  [
    'secapi_deliveries_stuck',
    'Pending deliveries over 5 minutes past their time',
    (f) => f.deliveries.stuck,
  ],
  ['secapi_approvals_pending', 'Approvals that wait for a decision', (f) => f.approvals.pending],
  ['secapi_approvals_stuck', 'Pending approvals past their time', (f) => f.approvals.stuck],
  ['secapi_checkouts_open', 'Checkouts under way', (f) => f.checkouts.open],
  ['secapi_checkouts_stuck', 'Open checkouts past their time', (f) => f.checkouts.stuck],
  ['secapi_mails_unsent', 'Mails unsent for over an hour', (f) => f.unsentMails],
  ['secapi_stripe_events_waiting', 'Events of Stripe not acted on yet', (f) => f.stripeInbox.depth],
  [
    'secapi_stripe_events_age_seconds',
    'How long the oldest waiting event of Stripe waits',
    (f) => f.stripeInbox.ageSeconds,
  ],
  ['secapi_workers', 'Workers seen in the last 15 seconds', (f) => f.workers.alive],
];

/** Registers gauges of what waits in the database and in Temporal; read at most every ten seconds, stale while a part is away. */
export function registerWork(
  registry: Registry,
  sources: {
    readonly figures: () => Promise<WorkFigures>;
    readonly temporal: () => Client | null;
    readonly isTemporalUp: () => boolean;
  },
): void {
  const figures = remembered(sources.figures);
  const running = remembered(async () => {
    const client = sources.temporal();
    if (!client) throw new Error('Temporal is away');
    const asked = client.withDeadline(Date.now() + COUNT_DEADLINE_MS, () =>
      client.workflow.count(`ExecutionStatus = 'Running'`),
    );
    return (await asked).count;
  });
  for (const [name, help, of] of GAUGES) {
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const known = await figures();
        if (known) this.set(of(known));
      },
    });
  }
  new Gauge({
    name: 'secapi_workflows_running',
    help: 'Workflows that run in the namespace',
    registers: [registry],
    async collect() {
      const count = await running();
      if (count !== null) this.set(count);
    },
  });
  new Gauge({
    name: 'secapi_temporal_up',
    help: 'Whether this worker has Temporal (1) or not (0)',
    registers: [registry],
    collect() {
      this.set(sources.isTemporalUp() ? 1 : 0);
    },
  });
}

/** Asks at most every FRESH_MS, once for all who want to know; answers the last value while it can't be had, null before any. */
function remembered<Value>(ask: () => Promise<Value>): () => Promise<Value | null> {
  let value: Value | null = null;
  let askedAt = -Infinity;
  let asking: Promise<void> = Promise.resolve();
  return async () => {
    if (performance.now() - askedAt > FRESH_MS) {
      askedAt = performance.now();
      asking = ask().then(
        (fresh) => void (value = fresh),
        () => undefined,
      );
    }
    await asking;
    return value;
  };
}

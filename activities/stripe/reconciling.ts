import type { DataSource } from 'typeorm';
import type { Catalog } from '../../catalog/load-catalog';
import type { Applying } from '../../entities/apply-subscription';
import type { DeliverySchedule } from '../../entities/delivery-schedule';
import type { IgnoredReason, StripePort } from '../../integrations/stripe';
import type { Clock } from '../../platform/clock';
import { newId } from '../../platform/ids';
import type { Log } from '../../platform/log';

/** What reconciliation with Stripe works with. */
export interface Reconciling {
  readonly db: DataSource;
  readonly clock: Clock;
  readonly log: Log;
  readonly schedule: DeliverySchedule;
  readonly catalog: Catalog;
  readonly stripe: StripePort;
  readonly publicUrl: string;
  readonly graceDays: number;
  /** Counts what is left alone. */
  readonly countIgnored: (reason: IgnoredReason) => void;
  /** Tells the process's loops, after commit, that there is something to do. */
  readonly wake: () => void;
}

/** What changes of an organization are made with at this moment. */
export function applyingTo(
  { clock, schedule, catalog, graceDays }: Reconciling,
  orgId: string,
  requestId: string = newId('req'),
): Applying {
  return { orgId, requestId, now: clock.now(), schedule, catalog, graceDays };
}

/** Says in the log and the metric that something at Stripe is left alone, and why. */
export function ignore(
  { log, countIgnored }: Pick<Reconciling, 'log' | 'countIgnored'>,
  reason: IgnoredReason,
  what: string,
): string {
  countIgnored(reason);
  log.warn({ reason, what }, 'something that Stripe told is ignored');
  return `ignored: ${reason}`;
}

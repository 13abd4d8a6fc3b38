import { Counter, type Registry } from 'prom-client';

const REASONS = [
  'foreign_session',
  'foreign_subscription',
  'foreign_customer',
  'other_mode',
  'unknown_price',
] as const;

/** Why something that Stripe told is left alone: it is nobody's here, of the other mode, or of a price not in the catalogue. */
export type IgnoredReason = (typeof REASONS)[number];

/** Counts what Stripe told and we left alone, by reason; every reason shows from the start. */
export function createIgnoredEvents(registry: Registry): (reason: IgnoredReason) => void {
  const ignored = new Counter({
    name: 'secapi_stripe_ignored_total',
    help: 'What Stripe told and was left alone, by reason',
    labelNames: ['reason'],
    registers: [registry],
  });
  for (const reason of REASONS) ignored.inc({ reason }, 0);
  return (reason) => ignored.inc({ reason });
}

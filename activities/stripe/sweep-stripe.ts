import { isRelevant, noteSwept, storeStripeEvent, sweptUntil } from '../../entities/stripe-event';
import { overdueOrganizations } from '../../entities/subscription';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../platform/clock';
import { endGrace } from './end-grace';
import { ignore, type Reconciling } from './reconciling';

/** Stripe's list is read again from this long before the mark: an event may be listed late. */
const OVERLAP_MS = 10 * MINUTE_MS;
/** The list is read in spans, oldest first, each with its mark: a long absence is caught up with step by step. */
const SPAN_MS = 6 * HOUR_MS;

/** Reads Stripe's own list of events since the last time, and ends times of grace whose workflow is missing. */
export async function sweepStripe(
  deps: Reconciling,
): Promise<{ readonly found: number; readonly overdue: number }> {
  const { db, clock, graceDays } = deps;
  const startedAt = clock.now();
  let from = (await sweptUntil(db)) ?? new Date(startedAt.getTime() - DAY_MS);
  let found = 0;
  while (from < startedAt) {
    const to = new Date(Math.min(from.getTime() + SPAN_MS, startedAt.getTime()));
    found += await readSpan(deps, from, to < startedAt ? to : null);
    await noteSwept(db, to);
    from = to;
  }
  const overdue = await overdueOrganizations(db, graceDays, startedAt);
  for (const orgId of overdue) await endGrace(deps, orgId);
  if (found > 0) deps.wake();
  return { found, overdue: overdue.length };
}

async function readSpan(deps: Reconciling, from: Date, before: Date | null): Promise<number> {
  const { db, clock, stripe } = deps;
  const events = await stripe.eventsBetween(new Date(from.getTime() - OVERLAP_MS), before);
  let found = 0;
  for (const event of [...events].reverse()) {
    if (!isRelevant(event.type)) continue;
    if (event.livemode !== stripe.livemode) {
      ignore(deps, 'other_mode', event.id);
      continue;
    }
    if (await storeStripeEvent(db, event, 'sweep', clock.now())) found++;
  }
  return found;
}

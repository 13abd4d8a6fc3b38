import { noteSwept, storeStripeEvent, SWEPT_TYPES, sweptUntil } from '../../entities/stripe-event';
import { overdueOrganizations } from '../../entities/subscription';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../platform/clock';
import { endGrace } from './end-grace';
import { ignore, type Reconciling } from './reconciling';

/** Stripe's list is read again from this long before the mark: an event may be listed late. */
const OVERLAP_MS = 10 * MINUTE_MS;
/** The list is read in spans, oldest first, each with its mark: a long absence is caught up with step by step. */
const SPAN_MS = 6 * HOUR_MS;
/** A span of more events than this is halved, so that each is read and marked well within the activity's time. */
const MOST_EVENTS = 2_000;
/** A span as short as this is read whole. */
const SHORTEST_SPAN_MS = 10_000;

/** Ends times of grace whose workflow is missing, and reads Stripe's own list of events since the last time. */
export async function sweepStripe(
  deps: Reconciling,
): Promise<{ readonly found: number; readonly overdue: number }> {
  const overdue = await endOverdue(deps);
  const found = await readList(deps);
  if (found > 0) deps.wake();
  return { found, overdue };
}

/** One that Stripe can't be asked about keeps nobody else waiting. */
async function endOverdue(deps: Reconciling): Promise<number> {
  const { db, clock, log, graceDays } = deps;
  const overdue = await overdueOrganizations(db, graceDays, clock.now());
  let ended = 0;
  for (const orgId of overdue) {
    try {
      await endGrace(deps, orgId);
      ended++;
    } catch (error) {
      log.warn({ orgId, err: error }, 'a time of grace that is over could not be ended');
    }
  }
  return ended;
}

async function readList(deps: Reconciling): Promise<number> {
  const { db, clock } = deps;
  const startedAt = clock.now();
  const mark = await sweptUntil(db);
  let from = new Date(mark ? mark.getTime() - OVERLAP_MS : startedAt.getTime() - DAY_MS);
  let spanMs = SPAN_MS;
  let found = 0;
  while (from < startedAt) {
    const to = new Date(Math.min(from.getTime() + spanMs, startedAt.getTime()));
    const read = await readSpan(deps, from, to < startedAt ? to : null, spanMs);
    if (read === null) {
      spanMs = Math.ceil((to.getTime() - from.getTime()) / 2);
      continue;
    }
    found += read;
    await noteSwept(db, to);
    from = to;
    spanMs = Math.min(2 * spanMs, SPAN_MS);
  }
  return found;
}

/** Stores what a span has that is new. Null: it is to be read in smaller ones. */
async function readSpan(
  deps: Reconciling,
  since: Date,
  before: Date | null,
  spanMs: number,
): Promise<number | null> {
  const { db, clock, stripe } = deps;
  const most = spanMs > SHORTEST_SPAN_MS ? MOST_EVENTS : Infinity;
  const events = await stripe.eventsBetween({ since, before, types: SWEPT_TYPES, most });
  if (!events) return null;
  let found = 0;
  for (const event of [...events].reverse()) {
    if (event.livemode !== stripe.livemode) {
      ignore(deps, 'other_mode', event.id);
      continue;
    }
    if (await storeStripeEvent(db, event, 'sweep', clock.now())) found++;
  }
  return found;
}

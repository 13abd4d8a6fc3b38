import type { EntityManager } from 'typeorm';
import { lineKey, openPeriod } from './budget-period';
import type { Price } from './price-usage';
import { run, statement } from './sql';

/** Work that was done and is reported afterwards. Negative units correct an earlier event. */
export interface UsageEvent {
  readonly id: string;
  readonly price: Price;
  readonly units: number;
  readonly occurredAt: Date;
  /** The UTC month it belongs to. */
  readonly period: string;
  readonly requestId: string | null;
  /** The id of the event that this one corrects. */
  readonly corrects: string | null;
}

export type UsageEventOutcome =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'conflict'; readonly message: string };

interface KnownRow {
  readonly meter_class: string;
  readonly units: string;
  readonly occurred_at: Date;
  readonly corrects: string | null;
}

const insert = statement<{ event_id: string }>(
  'insert-usage-event',
  `INSERT INTO usage_events (org_id, livemode, period, event_id, meter_class, family, units, unit_micros,
     amount_micros, plan_key, rate_card, occurred_at, recorded_at, request_id, corrects, principal_id)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
   ON CONFLICT (org_id, livemode, period, event_id) DO NOTHING RETURNING event_id`,
);

const known = statement<KnownRow>(
  'known-usage-event',
  `SELECT meter_class, units, occurred_at, corrects FROM usage_events
   WHERE org_id = $1 AND livemode = $2 AND period = $3 AND event_id = $4`,
);

const corrected = statement<{ meter_class: string; unit_micros: string; left: string }>(
  'corrected-usage-event',
  `SELECT e.meter_class, e.unit_micros, e.units + coalesce((SELECT sum(c.units) FROM usage_events c
     WHERE c.org_id = $1 AND c.livemode = $2 AND c.corrects = $4), 0) AS left
   FROM usage_events e WHERE e.org_id = $1 AND e.livemode = $2 AND e.period = $3 AND e.event_id = $4 FOR UPDATE`,
);

const accrue = statement(
  'accrue-usage-event',
  `UPDATE budget_periods b SET accrued_micros = b.accrued_micros + $5::bigint,
     ai_queries_used = b.ai_queries_used + CASE WHEN $7 THEN $4::bigint ELSE 0 END,
     lines = add_usage_line(b.lines, $3, $4::bigint, 1, $5::bigint, $6)
   WHERE b.org_id = $1 AND b.period = $2`,
);

/**
 * Stores a reported event once in its month and adds it to the month's totals; never gated, since the work was done.
 * The same id with other content is a conflict that names both. Test mode counts nothing.
 */
export async function recordUsageEvent(
  tx: EntityManager,
  owner: { readonly orgId: string; readonly livemode: boolean; readonly principalId: string },
  event: UsageEvent,
  now: Date,
): Promise<UsageEventOutcome> {
  const { orgId, livemode } = owner;
  const { period, units } = event;
  let { unitMicros } = event.price;
  if (event.corrects !== null) {
    const correction = await correctionOf(tx, owner, event);
    if ('kind' in correction) return correction;
    unitMicros = correction.unitMicros;
  }
  const amount = livemode ? unitMicros * BigInt(units) : 0n;
  const inserted = await run(tx, insert, [
    orgId,
    livemode,
    period,
    event.id,
    event.price.meterClass,
    event.price.family,
    units,
    livemode ? unitMicros : 0n,
    amount,
    event.price.planKey,
    event.price.rateCard,
    event.occurredAt,
    now,
    event.requestId,
    event.corrects,
    owner.principalId,
  ]);
  if (inserted.length === 0) return compareWithFirst(tx, owner, event);
  if (livemode) {
    await openPeriod(tx, orgId, period);
    const { planKey, family, quotaUnits } = event.price;
    const line = lineKey(planKey, family, unitMicros);
    const at = event.occurredAt.toISOString();
    await run(tx, accrue, [orgId, period, line, units, amount, at, quotaUnits !== null]);
  }
  return { kind: 'accepted' };
}

/** A correction takes back at the rate it was charged at, from an event of the same month, and no more than is left. */
async function correctionOf(
  tx: EntityManager,
  { orgId, livemode }: { readonly orgId: string; readonly livemode: boolean },
  { period, corrects, price, units, id }: UsageEvent,
): Promise<{ unitMicros: bigint } | UsageEventOutcome> {
  const [repeated] = await run(tx, known, [orgId, livemode, period, id]);
  if (repeated) return { unitMicros: 0n };
  const [original] = await run(tx, corrected, [orgId, livemode, period, corrects]);
  if (!original) {
    return { kind: 'conflict', message: `corrects: no event ${corrects} in ${period}` };
  }
  if (original.meter_class !== price.meterClass) {
    const message = `corrects: ${corrects} is of class ${original.meter_class}, not ${price.meterClass}`;
    return { kind: 'conflict', message };
  }
  if (Number(original.left) + units < 0) {
    const message = `corrects: ${corrects} has ${original.left} unit(s) left, not ${-units}`;
    return { kind: 'conflict', message };
  }
  return { unitMicros: BigInt(original.unit_micros) };
}

async function compareWithFirst(
  tx: EntityManager,
  { orgId, livemode }: { readonly orgId: string; readonly livemode: boolean },
  event: UsageEvent,
): Promise<UsageEventOutcome> {
  const [first] = await run(tx, known, [orgId, livemode, event.period, event.id]);
  if (!first) throw new Error(`usage event ${event.id} was neither stored nor found`);
  const told = (of: { units: number | string; meterClass: string; at: Date }): string =>
    `${of.units} × ${of.meterClass} at ${of.at.toISOString()}`;
  const same =
    first.meter_class === event.price.meterClass &&
    Number(first.units) === event.units &&
    first.occurred_at.getTime() === event.occurredAt.getTime() &&
    first.corrects === event.corrects;
  if (same) return { kind: 'duplicate' };
  const stored = told({ units: first.units, meterClass: first.meter_class, at: first.occurred_at });
  const given = told({
    units: event.units,
    meterClass: event.price.meterClass,
    at: event.occurredAt,
  });
  return {
    kind: 'conflict',
    message: `id ${event.id} was reported as ${stored}; now it says ${given}`,
  };
}

import type { DataSource } from 'typeorm';
import { lineKey, readPeriod, type BudgetPeriod, type UsageLine } from './budget-period';
import { run, statement, type Executor } from './sql';

/** Deliveries are counted where they are recorded; their rate stands in the month's line alone. */
const DELIVERIES = 'delivery_events';

/** Where a month's totals differ from the records they were made of. */
export interface TotalsDifference {
  readonly orgId: string;
  readonly period: string;
  /** What is compared: a line, the total, what is held, deliveries. */
  readonly what: string;
  readonly stored: string;
  readonly recorded: string;
}

const months = statement<{ org_id: string; period: string }>(
  'all-periods',
  `SELECT org_id, period FROM budget_periods WHERE $1::text IS NULL OR period = $1 ORDER BY org_id, period`,
);

const recordedLines = statement<{
  plan_key: string;
  family: string;
  unit_micros: string;
  units: string;
  requests: string;
  micros: string;
  at: Date;
}>(
  'recorded-lines',
  `SELECT plan_key, family, unit_micros, sum(units) AS units, count(*) AS requests, sum(amount_micros) AS micros,
     max(at) AS at
   FROM (SELECT plan_key, family, unit_micros, units, amount_micros, settled_at AS at FROM charges
         WHERE org_id = $1 AND period = $2 AND livemode AND status = 'charged'
         UNION ALL
         SELECT plan_key, family, unit_micros, units, amount_micros, occurred_at FROM usage_events
         WHERE org_id = $1 AND period = $2 AND livemode) used
   GROUP BY plan_key, family, unit_micros`,
);

const recordedHeld = statement<{ held: string; delivered: string; waiting: string }>(
  'recorded-held',
  `SELECT (SELECT coalesce(sum(amount_micros), 0) FROM charges
       WHERE org_id = $1 AND period = $2 AND livemode AND status = 'reserved') AS held,
     (SELECT count(*) FROM webhook_deliveries WHERE org_id = $1 AND livemode AND status = 'delivered'
       AND to_char(finished_at AT TIME ZONE 'UTC', 'YYYY-MM') = $2) AS delivered,
     (SELECT coalesce(sum(units), 0) FROM delivered_counts WHERE org_id = $1 AND period = $2) AS waiting`,
);

const write = statement(
  'rewrite-totals',
  `UPDATE budget_periods SET lines = $3, accrued_micros = $4, held_micros = $5 WHERE org_id = $1 AND period = $2`,
);

/**
 * Computes months' totals anew from charges and reported usage, under each month's lock, and tells every difference.
 * With `repair` the recomputed totals are stored. Deliveries are compared by number, in months whose deliveries are all
 * still there; their lines are kept.
 */
export async function rebuildTotals(
  db: DataSource,
  options: {
    readonly period: string | null;
    readonly repair: boolean;
    /** Deliveries from before may have been dropped. */
    readonly deliveriesSince: Date;
  },
): Promise<{ months: number; differences: TotalsDifference[] }> {
  const all = await run(db, months, [options.period]);
  const differences: TotalsDifference[] = [];
  for (const { org_id: orgId, period } of all) {
    const found = await db.transaction(async (tx) => {
      const stored = await readPeriod(tx, orgId, period, { forUpdate: true });
      return compare(tx, stored, options);
    });
    differences.push(...found);
  }
  return { months: all.length, differences };
}

async function compare(
  tx: Executor,
  stored: BudgetPeriod,
  { repair, deliveriesSince }: { readonly repair: boolean; readonly deliveriesSince: Date },
): Promise<TotalsDifference[]> {
  const { orgId, period } = stored;
  const recorded = await linesOf(tx, orgId, period);
  const [other] = await run(tx, recordedHeld, [orgId, period]);
  const kept = stored.lines.filter(({ family }) => family === DELIVERIES);
  const lines = [...recorded.filter(({ family }) => family !== DELIVERIES), ...kept];
  const accrued = lines.reduce((sum, line) => sum + line.micros, 0n);
  const held = BigInt(other?.held ?? 0);
  const deliveries = kept.reduce((sum, line) => sum + line.units, 0n);
  const delivered = BigInt(other?.delivered ?? 0) - BigInt(other?.waiting ?? 0);
  const found: TotalsDifference[] = [];
  const tell = (what: string, before: bigint, now: bigint): void => {
    if (before !== now) {
      found.push({ orgId, period, what, stored: String(before), recorded: String(now) });
    }
  };
  const byKey = (of: readonly UsageLine[]) =>
    new Map(of.map((line) => [lineKey(line.planKey, line.family, line.unitMicros), line]));
  const before = byKey(stored.lines);
  const after = byKey(lines);
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    tell(`${key}: micro-dollars`, before.get(key)?.micros ?? 0n, after.get(key)?.micros ?? 0n);
    tell(`${key}: units`, before.get(key)?.units ?? 0n, after.get(key)?.units ?? 0n);
  }
  tell('accrued micro-dollars', stored.accruedMicros, accrued);
  tell('held micro-dollars', stored.heldMicros, held);
  const haveAll = new Date(`${period}-01T00:00:00Z`) >= deliveriesSince;
  if (delivered > 0n && haveAll) tell('deliveries', deliveries, delivered);
  if (repair && found.length > 0) {
    await run(tx, write, [orgId, period, JSON.stringify(storedForm(lines)), accrued, held]);
  }
  return found;
}

async function linesOf(tx: Executor, orgId: string, period: string): Promise<UsageLine[]> {
  const rows = await run(tx, recordedLines, [orgId, period]);
  return rows.map((row) => ({
    planKey: row.plan_key,
    family: row.family,
    unitMicros: BigInt(row.unit_micros),
    units: BigInt(row.units),
    requests: BigInt(row.requests),
    micros: BigInt(row.micros),
    lastAt: row.at.toISOString(),
  }));
}

function storedForm(lines: readonly UsageLine[]): Record<string, object> {
  return Object.fromEntries(
    lines.map(({ planKey, family, unitMicros, units, requests, micros, lastAt }) => [
      lineKey(planKey, family, unitMicros),
      { units: Number(units), requests: Number(requests), micros: Number(micros), at: lastAt },
    ]),
  );
}

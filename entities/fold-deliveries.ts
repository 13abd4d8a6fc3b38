import type { EntityManager } from 'typeorm';
import type { Catalog } from '../catalog/load-catalog';
import { lineKey, openPeriod } from './budget-period';
import { priceUsage } from './price-usage';
import { run, statement } from './sql';

const METER_CLASS = 'delivery_events';

const take = statement<{
  org_id: string;
  period: string;
  units: string;
  last_at: Date;
  plan_key: string;
}>(
  'take-delivered-counts',
  `WITH taken AS (
     DELETE FROM delivered_counts WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM delivered_counts LIMIT 2000 FOR UPDATE SKIP LOCKED))
     RETURNING *)
   SELECT t.org_id, t.period, sum(t.units) AS units, max(t.last_at) AS last_at, min(o.plan_key) AS plan_key
   FROM taken t JOIN organizations o ON o.id = t.org_id GROUP BY t.org_id, t.period ORDER BY t.org_id`,
);

const fold = statement(
  'fold-delivered',
  `UPDATE budget_periods b SET accrued_micros = b.accrued_micros + $4::bigint,
     lines = add_usage_line(b.lines, $3, $5::bigint, $5::bigint, $4::bigint, $6)
   WHERE b.org_id = $1 AND b.period = $2`,
);

const meter = statement(
  'meter-delivered',
  `INSERT INTO usage_meters AS m (org_id, livemode, period, meter_class, count, success_count, error_count,
     latency_ms_sum, last_seen_at)
   VALUES ($1, true, $2, '${METER_CLASS}', $3, $3, 0, 0, $4)
   ON CONFLICT (org_id, livemode, period, meter_class) DO UPDATE SET count = m.count + $3,
     success_count = m.success_count + $3, last_seen_at = greatest(m.last_seen_at, $4)`,
);

/**
 * Charges deliveries on their first success: what recording them counted is added to the month's totals, priced by the
 * organization's plan, never gated. Answers how many organizations were touched.
 */
export async function foldDeliveries(tx: EntityManager, catalog: Catalog): Promise<number> {
  const rows = await run(tx, take, []);
  for (const { org_id: orgId, period, units, last_at: lastAt, plan_key: planKey } of rows) {
    const { unitMicros: rate, family } = priceUsage(catalog, planKey, METER_CLASS);
    await openPeriod(tx, orgId, period);
    await run(tx, fold, [
      orgId,
      period,
      lineKey(planKey, family, rate),
      rate * BigInt(units),
      units,
      lastAt.toISOString(),
    ]);
    await run(tx, meter, [orgId, period, units, lastAt]);
  }
  return rows.length;
}

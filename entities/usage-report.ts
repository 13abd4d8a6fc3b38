import { run, statement, type Executor, type Statement } from './sql';

/** Requests by meter class in a month, as the API and the deliveries counted them. */
export interface UsageMeter {
  readonly meterClass: string;
  readonly count: number;
  readonly successCount: number;
  readonly errorCount: number;
  readonly avgLatencyMs: number;
  readonly lastSeenAt: Date | null;
}

const meters = statement<{
  meter_class: string;
  count: string;
  success_count: string;
  error_count: string;
  latency_ms_sum: string;
  last_seen_at: Date;
}>(
  'usage-meters',
  `SELECT meter_class, count, success_count, error_count, latency_ms_sum, last_seen_at FROM usage_meters
   WHERE org_id = $1 AND livemode = $2 AND period = $3 ORDER BY meter_class`,
);

export async function usageMeters(
  db: Executor,
  owner: { readonly orgId: string; readonly livemode: boolean },
  period: string,
): Promise<UsageMeter[]> {
  const rows = await run(db, meters, [owner.orgId, owner.livemode, period]);
  return rows.map((row) => ({
    meterClass: row.meter_class,
    count: Number(row.count),
    successCount: Number(row.success_count),
    errorCount: Number(row.error_count),
    avgLatencyMs: Math.round((Number(row.latency_ms_sum) / Number(row.count)) * 10) / 10,
    lastSeenAt: row.last_seen_at,
  }));
}

export const USAGE_GROUPS = ['day', 'meterClass', 'principal', 'key'] as const;
export type UsageGroup = (typeof USAGE_GROUPS)[number];

/** Charged and reported usage of a month under one heading. */
export interface UsageGroupRow {
  readonly group: string;
  readonly units: number;
  readonly count: number;
  readonly amountMicros: bigint;
}

const EXPRESSIONS: Record<UsageGroup, string> = {
  day: `to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD')`,
  meterClass: 'meter_class',
  principal: 'principal_id',
  key: `CASE WHEN principal_id LIKE 'key\\_%' THEN principal_id ELSE 'none' END`,
};

type GroupRow = { group: string; units: string; count: string; amount_micros: string };

const groups = Object.fromEntries(
  USAGE_GROUPS.map((by) => [
    by,
    statement<GroupRow>(
      `usage-by-${by}`,
      `SELECT ${EXPRESSIONS[by]} AS "group", sum(units) AS units, count(*) AS count, sum(amount_micros) AS amount_micros
       FROM (SELECT created_at AS at, meter_class, principal_id, units, amount_micros FROM charges
             WHERE org_id = $1 AND livemode = $2 AND period = $3 AND status = 'charged'
             UNION ALL
             SELECT occurred_at, meter_class, principal_id, units, amount_micros FROM usage_events
             WHERE org_id = $1 AND livemode = $2 AND period = $3) used
       GROUP BY 1 ORDER BY 1`,
    ),
  ]),
) as Record<UsageGroup, Statement<GroupRow>>;

/** Usage of a month by day, meter class, principal or key. */
export async function groupUsage(
  db: Executor,
  owner: { readonly orgId: string; readonly livemode: boolean },
  period: string,
  by: UsageGroup,
): Promise<UsageGroupRow[]> {
  const rows = await run(db, groups[by], [owner.orgId, owner.livemode, period]);
  return rows.map((row) => ({
    group: row.group,
    units: Number(row.units),
    count: Number(row.count),
    amountMicros: BigInt(row.amount_micros),
  }));
}

const totals = statement<{ meter_class: string; count: string; error_count: string }>(
  'usage-totals',
  `SELECT meter_class, sum(count) AS count, sum(error_count) AS error_count FROM usage_meters
   WHERE period = $1 GROUP BY meter_class ORDER BY meter_class`,
);

/** A month's requests of all organizations, by meter class. */
export async function totalUsage(
  db: Executor,
  period: string,
): Promise<Record<string, { count: number; errorCount: number }>> {
  const rows = await run(db, totals, [period]);
  return Object.fromEntries(
    rows.map((row) => [
      row.meter_class,
      { count: Number(row.count), errorCount: Number(row.error_count) },
    ]),
  );
}

import { newId } from '../platform/ids';
import {
  budgetPeriodOf,
  lineKey,
  openPeriod,
  readPeriod,
  type BudgetPeriodRow,
} from './budget-period';
import { judge, type Charge, type GateAnswer, type UsageRequest } from './gate';
import { run, statement, type Executor } from './sql';

interface GateRow extends BudgetPeriodRow {
  readonly passed: boolean | null;
  readonly prior_id: string | null;
  readonly prior_status: Charge['status'] | null;
  readonly prior_meter_class: string | null;
  readonly prior_units: string | null;
  readonly prior_asked_units: string | null;
  readonly prior_unit_micros: string | null;
  readonly prior_amount_micros: string | null;
  readonly prior_plan_key: string | null;
  readonly prior_period: string | null;
}

/** What the month's row would be after a request: unchanged where it did not pass. */
const AFTER = `
  s.accrued_micros + CASE WHEN d.passed AND a.reserved_until IS NULL THEN a.amount ELSE 0 END,
  s.held_micros + CASE WHEN d.passed AND a.reserved_until IS NOT NULL THEN a.amount ELSE 0 END,
  s.grant_used + CASE WHEN d.passed AND a.grant_calls IS NOT NULL AND a.reserved_until IS NULL THEN 1 ELSE 0 END,
  s.grant_held + CASE WHEN d.passed AND a.grant_calls IS NOT NULL AND a.reserved_until IS NOT NULL THEN 1 ELSE 0 END,
  s.ai_queries_used + CASE WHEN d.passed AND a.quota_units IS NOT NULL THEN a.units ELSE 0 END,
  CASE WHEN d.passed AND a.reserved_until IS NULL
    THEN add_usage_line(s.lines, a.line, a.units, 1, a.amount, a.at) ELSE s.lines END`;

const MOST_TRIES = 10;
const UNIQUE_VIOLATION = '23505';

/** The conditions of `judge`, in SQL. */
const PASSES = `a.prior_id IS NULL
  AND (a.quota_units IS NULL OR s.ai_queries_used + a.units <= a.quota_units)
  AND (a.grant_calls IS NULL OR s.grant_used + s.grant_held + 1 <= a.grant_calls)
  AND (a.amount = 0 OR (
    (l.cap_micros IS NULL OR s.accrued_micros + s.held_micros + a.amount <= l.cap_micros)
    AND (l.threshold_micros IS NULL OR s.accrued_micros + s.held_micros + a.amount
      <= greatest(l.threshold_micros, l.approved_up_to_micros))))`;

/**
 * The gate, one statement for all requests of one organization and month that wait: it locks the month's row, takes
 * the requests through it one after another, and stores the row and the charges once. $1 organization, $2 month.
 */
const gate = statement<GateRow>(
  'gate',
  `WITH RECURSIVE asked AS MATERIALIZED (
     SELECT a.*, a.units * a.unit_micros AS amount, p.id AS prior_id,
       CASE WHEN p.status = 'reserved' AND p.expires_at <= a.at::timestamptz THEN 'released' ELSE p.status END
         AS prior_status,
       p.meter_class AS prior_meter_class, p.units AS prior_units,
       coalesce(p.reserved_units, p.units) AS prior_asked_units, p.unit_micros AS prior_unit_micros,
       p.amount_micros AS prior_amount_micros, p.plan_key AS prior_plan_key, p.period AS prior_period
     FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::int[],
       $10::bigint[], $11::timestamptz[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[])
       WITH ORDINALITY AS a (id, key, meter_class, family, units, unit_micros, grant_calls, quota_units,
         reserved_until, line, plan_key, rate_card, request_id, principal_id, at, n)
     LEFT JOIN charges p ON p.org_id = $1 AND p.livemode AND p.key = a.key),
   locked AS MATERIALIZED (
     SELECT * FROM budget_periods WHERE org_id = $1 AND period = $2 FOR UPDATE),
   step AS (
     SELECT 0::bigint AS n, false AS passed, accrued_micros, held_micros, grant_used, grant_held, ai_queries_used,
       lines FROM locked
     UNION ALL
     SELECT a.n, d.passed, ${AFTER}
     FROM step s JOIN asked a ON a.n = s.n + 1 CROSS JOIN locked l
     CROSS JOIN LATERAL (SELECT ${PASSES} AS passed) d),
   spent AS (
     UPDATE budget_periods b SET accrued_micros = s.accrued_micros, held_micros = s.held_micros,
       grant_used = s.grant_used, grant_held = s.grant_held, ai_queries_used = s.ai_queries_used, lines = s.lines
     FROM step s
     WHERE b.org_id = $1 AND b.period = $2 AND s.n = (SELECT max(n) FROM step)
       AND EXISTS (SELECT FROM step WHERE passed)),
   charged AS (
     INSERT INTO charges (id, org_id, livemode, key, period, meter_class, family, units, unit_micros, amount_micros,
       by_grant, by_quota, status, plan_key, rate_card, request_id, principal_id, created_at, expires_at, settled_at)
     SELECT a.id, $1, true, a.key, $2, a.meter_class, a.family, a.units, a.unit_micros, a.amount,
       a.grant_calls IS NOT NULL, a.quota_units IS NOT NULL,
       CASE WHEN a.reserved_until IS NULL THEN 'charged' ELSE 'reserved' END, a.plan_key, a.rate_card, a.request_id,
       a.principal_id, a.at::timestamptz, a.reserved_until,
       CASE WHEN a.reserved_until IS NULL THEN a.at::timestamptz END
     FROM asked a JOIN step s ON s.n = a.n WHERE s.passed)
   SELECT s.passed, a.prior_id, a.prior_status, a.prior_meter_class, a.prior_units, a.prior_asked_units,
     a.prior_unit_micros, a.prior_amount_micros, a.prior_plan_key, a.prior_period,
     $1 AS org_id, $2 AS period, s.accrued_micros, s.held_micros, s.grant_used, s.grant_held, s.ai_queries_used,
     s.lines, l.cap_micros, l.threshold_micros, l.approved_up_to_micros, l.alerted_percent, l.budget_seq,
     o.soft_cap_cents, o.require_other_approver
   FROM asked a
   LEFT JOIN step s ON s.n = a.n
   LEFT JOIN locked l ON true
   LEFT JOIN organizations o ON o.id = $1
   ORDER BY a.n`,
);

/**
 * Takes requests of one organization and month, each under a key of its own, through the gate in the order given.
 * Throws what Postgres throws while it is away; then none was let through.
 */
export async function passAll(
  db: Executor,
  requests: readonly UsageRequest[],
): Promise<GateAnswer[]> {
  const [first] = requests;
  if (!first) return [];
  for (let tries = 1; ; tries++) {
    const ids = requests.map(() => newId('chg'));
    try {
      const rows = await run(db, gate, valuesOf(ids, first, requests));
      if (rows.every((row) => row.passed !== null)) {
        return await Promise.all(
          rows.map((row, i) => answerOf(db, row, ids[i] ?? '', requests[i] ?? first)),
        );
      }
      await openPeriod(db, first.orgId, first.period);
    } catch (error) {
      // Another process charged one of these keys at this moment: the next statement finds it.
      if ((error as { code?: string }).code !== UNIQUE_VIOLATION || tries >= MOST_TRIES)
        throw error;
    }
    if (tries >= MOST_TRIES) throw new Error(`the gate of ${first.orgId} does not come to rest`);
  }
}

function valuesOf(
  ids: readonly string[],
  { orgId, period }: UsageRequest,
  requests: readonly UsageRequest[],
): unknown[] {
  const column = <Value>(of: (request: UsageRequest) => Value): Value[] => requests.map(of);
  return [
    orgId,
    period,
    ids,
    column(({ key }) => key),
    column(({ price }) => price.meterClass),
    column(({ price }) => price.family),
    column(({ units }) => units),
    column(({ price }) => price.unitMicros),
    column(({ price }) => price.grantCalls),
    column(({ price }) => price.quotaUnits),
    column(({ reserveUntil }) => reserveUntil),
    column(({ price }) => lineKey(price.planKey, price.family, price.unitMicros)),
    column(({ price }) => price.planKey),
    column(({ price }) => price.rateCard),
    column(({ requestId }) => requestId),
    column(({ principalId }) => principalId),
    column(({ now }) => now.toISOString()),
  ];
}

async function answerOf(
  db: Executor,
  row: GateRow,
  id: string,
  request: UsageRequest,
): Promise<GateAnswer> {
  if (row.prior_id !== null) {
    const month = row.prior_period ?? request.period;
    const period =
      month === request.period ? budgetPeriodOf(row) : await readPeriod(db, request.orgId, month);
    return { kind: 'replayed', charge: priorOf(row), period };
  }
  const period = budgetPeriodOf(row);
  if (row.passed) return { kind: 'passed', charge: chargeOf(id, request), period };
  const refusal = judge(period, request.price, request.units);
  if (!refusal) throw new Error(`the gate of ${request.orgId} refused what its judge lets pass`);
  return { kind: 'refused', refusal, period };
}

function chargeOf(id: string, { price, units, reserveUntil }: UsageRequest): Charge {
  return {
    id,
    status: reserveUntil ? 'reserved' : 'charged',
    meterClass: price.meterClass,
    units,
    askedUnits: units,
    unitMicros: price.unitMicros,
    amountMicros: price.unitMicros * BigInt(units),
    planKey: price.planKey,
  };
}

function priorOf(row: GateRow): Charge {
  return {
    id: row.prior_id ?? '',
    status: row.prior_status ?? 'charged',
    meterClass: row.prior_meter_class ?? '',
    units: Number(row.prior_units),
    askedUnits: Number(row.prior_asked_units),
    unitMicros: BigInt(row.prior_unit_micros ?? 0),
    amountMicros: BigInt(row.prior_amount_micros ?? 0),
    planKey: row.prior_plan_key ?? '',
  };
}

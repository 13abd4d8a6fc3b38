import { newId } from '../platform/ids';
import type { FaultCode } from '../platform/fault';
import {
  budgetPeriodOf,
  lineKey,
  PERIOD_COLUMNS,
  readPeriod,
  type BudgetPeriod,
  type BudgetPeriodRow,
} from './budget-period';
import type { Price } from './price-usage';
import { run, statement, type Executor } from './sql';

/** Work that wants to be done and what it costs. */
export interface UsageRequest {
  readonly orgId: string;
  readonly period: string;
  /** The caller's idempotency key: one charge for ever. */
  readonly key: string;
  readonly price: Price;
  readonly units: number;
  /** Holds the amount until then instead of charging it. */
  readonly reserveUntil: Date | null;
  readonly requestId: string;
  readonly principalId: string;
  readonly now: Date;
}

export interface Charge {
  readonly id: string;
  readonly status: 'charged' | 'reserved' | 'released';
  readonly meterClass: string;
  readonly units: number;
  readonly unitMicros: bigint;
  readonly amountMicros: bigint;
  readonly planKey: string;
}

/** Why the gate refuses. */
export type Refusal = Extract<
  FaultCode,
  | 'ai_query_quota_exceeded'
  | 'billing_required'
  | 'billing_budget_hard_cap_exceeded'
  | 'billing_budget_approval_required'
>;

export type GateAnswer =
  | { readonly kind: 'passed'; readonly charge: Charge; readonly period: BudgetPeriod }
  | { readonly kind: 'replayed'; readonly charge: Charge; readonly period: BudgetPeriod }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly period: BudgetPeriod };

/**
 * What the gate says to a price at this moment, in its order: quota, grant, hard cap, approval threshold (an approval
 * can't lift the cap, so the cap is told first). Null: it passes. The statement below decides by the same conditions.
 */
export function judge(period: BudgetPeriod, price: Price, units: number): Refusal | null {
  const { quotaUnits, grantCalls } = price;
  if (quotaUnits !== null && period.aiQueriesUsed + BigInt(units) > BigInt(quotaUnits)) {
    return 'ai_query_quota_exceeded';
  }
  if (grantCalls !== null && period.grantUsed + period.grantHeld + 1 > grantCalls) {
    return 'billing_required';
  }
  const amount = price.unitMicros * BigInt(units);
  if (amount === 0n) return null;
  const after = period.accruedMicros + period.heldMicros + amount;
  if (period.capMicros !== null && after > period.capMicros) {
    return 'billing_budget_hard_cap_exceeded';
  }
  const ceiling = ceilingOf(period);
  return ceiling !== null && after > ceiling ? 'billing_budget_approval_required' : null;
}

/** Up to where spend needs no (further) approval: the threshold, or what was last approved; null without a threshold. */
export function ceilingOf({ thresholdMicros, approvedUpToMicros }: BudgetPeriod): bigint | null {
  if (thresholdMicros === null) return null;
  const approved = approvedUpToMicros ?? 0n;
  return approved > thresholdMicros ? approved : thresholdMicros;
}

interface GateRow extends Partial<BudgetPeriodRow> {
  readonly prior_id: string | null;
  readonly prior_status: Charge['status'] | null;
  readonly prior_meter_class: string | null;
  readonly prior_units: string | null;
  readonly prior_unit_micros: string | null;
  readonly prior_amount_micros: string | null;
  readonly prior_plan_key: string | null;
  readonly prior_period: string | null;
}

const PRIOR = `p.id AS prior_id, p.status AS prior_status, p.meter_class AS prior_meter_class,
  p.units AS prior_units, p.unit_micros AS prior_unit_micros, p.amount_micros AS prior_amount_micros,
  p.plan_key AS prior_plan_key, p.period AS prior_period`;

/**
 * The gate, one statement: the conditional UPDATE of the month's row decides under its lock, the charge follows from
 * what it returns. $5 units, $6 unit price, $7 amount, $8 grant, $9 quota, $10 reserved until.
 */
const gate = statement<GateRow>(
  'gate',
  `WITH prior AS (SELECT * FROM charges WHERE org_id = $1 AND livemode AND key = $3),
   spent AS (
     UPDATE budget_periods b SET
       accrued_micros = b.accrued_micros + CASE WHEN $10::timestamptz IS NULL THEN $7::bigint ELSE 0 END,
       held_micros = b.held_micros + CASE WHEN $10::timestamptz IS NULL THEN 0 ELSE $7::bigint END,
       grant_used = b.grant_used + CASE WHEN $8::int IS NOT NULL AND $10::timestamptz IS NULL THEN 1 ELSE 0 END,
       grant_held = b.grant_held + CASE WHEN $8::int IS NOT NULL AND $10::timestamptz IS NOT NULL THEN 1 ELSE 0 END,
       ai_queries_used = b.ai_queries_used + CASE WHEN $9::bigint IS NOT NULL THEN $5::bigint ELSE 0 END,
       lines = CASE WHEN $10::timestamptz IS NULL
         THEN add_usage_line(b.lines, $11, $5::bigint, 1, $7::bigint, $12) ELSE b.lines END
     FROM organizations o
     WHERE b.org_id = $1 AND b.period = $2 AND o.id = b.org_id AND NOT EXISTS (SELECT FROM prior)
       AND ($9::bigint IS NULL OR b.ai_queries_used + $5::bigint <= $9::bigint)
       AND ($8::int IS NULL OR b.grant_used + b.grant_held + 1 <= $8::int)
       AND ($7::bigint = 0 OR (
         (b.cap_micros IS NULL OR b.accrued_micros + b.held_micros + $7::bigint <= b.cap_micros)
         AND (b.threshold_micros IS NULL OR b.accrued_micros + b.held_micros + $7::bigint
           <= greatest(b.threshold_micros, b.approved_up_to_micros))))
     RETURNING ${PERIOD_COLUMNS}),
   charged AS (
     INSERT INTO charges (id, org_id, livemode, key, period, meter_class, family, units, unit_micros, amount_micros,
       by_grant, by_quota, status, plan_key, rate_card, request_id, principal_id, created_at, expires_at, settled_at)
     SELECT $4, $1, true, $3, $2, $13, $14, $5, $6, $7, $8::int IS NOT NULL, $9::bigint IS NOT NULL,
       CASE WHEN $10::timestamptz IS NULL THEN 'charged' ELSE 'reserved' END, $15, $16, $17, $18, $12::timestamptz,
       $10, CASE WHEN $10::timestamptz IS NULL THEN $12::timestamptz END
     FROM spent)
   SELECT ${PRIOR}, spent.* FROM (SELECT) one LEFT JOIN prior p ON true LEFT JOIN spent ON true`,
);

const UNIQUE_VIOLATION = '23505';
const MOST_TRIES = 5;

/**
 * Lets live work through and charges it, exactly once by its key, or says why not. Exact under any parallelism: no
 * order of calls takes gated spend past a cap. Throws what Postgres throws while it is away, and then nothing was let
 * through.
 */
export async function passGate(db: Executor, request: UsageRequest): Promise<GateAnswer> {
  const { orgId, price, units } = request;
  for (let tries = 1; ; tries++) {
    const id = newId('chg');
    const row = await attempt(db, id, request);
    if (row === 'raced') continue;
    if (row.prior_id !== null) {
      const period = await readPeriod(db, orgId, row.prior_period ?? request.period);
      return { kind: 'replayed', charge: priorOf(row), period };
    }
    if (row.org_id) {
      const period = budgetPeriodOf(row as BudgetPeriodRow);
      return { kind: 'passed', charge: chargeOf(id, request), period };
    }
    const period = await readPeriod(db, orgId, request.period);
    const refusal = judge(period, price, units);
    if (refusal) return { kind: 'refused', refusal, period };
    if (tries >= MOST_TRIES) throw new Error(`the gate of ${orgId} does not come to rest`);
  }
}

async function attempt(
  db: Executor,
  id: string,
  request: UsageRequest,
): Promise<GateRow | 'raced'> {
  const { price, units } = request;
  try {
    const [row] = await run(db, gate, [
      request.orgId,
      request.period,
      request.key,
      id,
      units,
      price.unitMicros,
      price.unitMicros * BigInt(units),
      price.grantCalls,
      price.quotaUnits,
      request.reserveUntil,
      lineKey(price.planKey, price.family, price.unitMicros),
      request.now.toISOString(),
      price.meterClass,
      price.family,
      price.planKey,
      price.rateCard,
      request.requestId,
      request.principalId,
    ]);
    return row ?? 'raced';
  } catch (error) {
    if ((error as { code?: string }).code === UNIQUE_VIOLATION) return 'raced';
    throw error;
  }
}

function chargeOf(id: string, { price, units, reserveUntil }: UsageRequest): Charge {
  return {
    id,
    status: reserveUntil ? 'reserved' : 'charged',
    meterClass: price.meterClass,
    units,
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
    unitMicros: BigInt(row.prior_unit_micros ?? 0),
    amountMicros: BigInt(row.prior_amount_micros ?? 0),
    planKey: row.prior_plan_key ?? '',
  };
}

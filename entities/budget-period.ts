import { centsFromMicros, microsFromCents } from '../platform/money';
import { run, statement, type Executor } from './sql';

/** What was used of one family at one rate on one plan in a period. Amount = units × rate, exactly. */
export interface UsageLine {
  readonly planKey: string;
  readonly family: string;
  readonly unitMicros: bigint;
  readonly units: bigint;
  readonly requests: bigint;
  readonly micros: bigint;
  readonly lastAt: string;
}

/** An organization's spend in one UTC month and the limits that hold in it. Amounts in micro-dollars. */
export interface BudgetPeriod {
  readonly orgId: string;
  readonly period: string;
  readonly accruedMicros: bigint;
  readonly heldMicros: bigint;
  readonly grantUsed: number;
  readonly grantHeld: number;
  readonly aiQueriesUsed: bigint;
  readonly capMicros: bigint | null;
  readonly softCapMicros: bigint | null;
  readonly thresholdMicros: bigint | null;
  readonly approvedUpToMicros: bigint | null;
  readonly alertedPercent: number;
  /** Counts changes of the budget: an approval holds for one of them. */
  readonly budgetSeq: number;
  readonly requireOtherApprover: boolean;
  readonly lines: readonly UsageLine[];
}

type Lines = Record<string, { units: number; requests: number; micros: number; at: string }>;

export interface BudgetPeriodRow {
  readonly org_id: string;
  readonly period: string;
  readonly accrued_micros: string;
  readonly held_micros: string;
  readonly grant_used: number;
  readonly grant_held: number;
  readonly ai_queries_used: string;
  readonly cap_micros: string | null;
  readonly threshold_micros: string | null;
  readonly approved_up_to_micros: string | null;
  readonly alerted_percent: number;
  readonly budget_seq: number;
  readonly lines: Lines;
  readonly soft_cap_cents: string | null;
  readonly require_other_approver: boolean;
}

/** The columns of a period's row, its organization's settings beside them; `b` is the period, `o` the organization. */
export const PERIOD_COLUMNS = `b.org_id, b.period, b.accrued_micros, b.held_micros, b.grant_used, b.grant_held,
  b.ai_queries_used, b.cap_micros, b.threshold_micros, b.approved_up_to_micros, b.alerted_percent, b.budget_seq,
  b.lines, o.soft_cap_cents, o.require_other_approver`;

export function budgetPeriodOf(row: BudgetPeriodRow): BudgetPeriod {
  return {
    orgId: row.org_id,
    period: row.period,
    accruedMicros: BigInt(row.accrued_micros),
    heldMicros: BigInt(row.held_micros),
    grantUsed: row.grant_used,
    grantHeld: row.grant_held,
    aiQueriesUsed: BigInt(row.ai_queries_used),
    capMicros: bigOrNull(row.cap_micros),
    softCapMicros: row.soft_cap_cents === null ? null : microsFromCents(Number(row.soft_cap_cents)),
    thresholdMicros: bigOrNull(row.threshold_micros),
    approvedUpToMicros: bigOrNull(row.approved_up_to_micros),
    alertedPercent: row.alerted_percent,
    budgetSeq: row.budget_seq,
    requireOtherApprover: row.require_other_approver,
    lines: Object.entries(row.lines).map(([key, line]) => lineOf(key, line)),
  };
}

function bigOrNull(text: string | null): bigint | null {
  return text === null ? null : BigInt(text);
}

/** The name of a line inside `lines`. */
export function lineKey(planKey: string, family: string, unitMicros: bigint): string {
  return `${planKey} ${family} ${unitMicros}`;
}

function lineOf(key: string, line: Lines[string]): UsageLine {
  const [planKey = '', family = '', unitMicros = '0'] = key.split(' ');
  return {
    planKey,
    family,
    unitMicros: BigInt(unitMicros),
    units: BigInt(line.units),
    requests: BigInt(line.requests),
    micros: BigInt(line.micros),
    lastAt: line.at,
  };
}

const open = statement(
  'open-period',
  `INSERT INTO budget_periods (org_id, period, cap_micros, threshold_micros)
   SELECT id, $2, spend_cap_cents * 10000, approval_threshold_cents * 10000 FROM organizations WHERE id = $1
   FOR SHARE
   ON CONFLICT (org_id, period) DO NOTHING`,
);

/** Opens a month with the limits that the organization has now; it waits for a change of them that isn't committed yet. Safe to repeat. */
export async function openPeriod(db: Executor, orgId: string, period: string): Promise<void> {
  await run(db, open, [orgId, period]);
}

const read = statement<BudgetPeriodRow>(
  'read-period',
  `SELECT ${PERIOD_COLUMNS} FROM budget_periods b JOIN organizations o ON o.id = b.org_id
   WHERE b.org_id = $1 AND b.period = $2`,
);

const lock = statement<BudgetPeriodRow>(
  'lock-period',
  `SELECT ${PERIOD_COLUMNS} FROM budget_periods b JOIN organizations o ON o.id = b.org_id
   WHERE b.org_id = $1 AND b.period = $2 FOR UPDATE OF b`,
);

/** A month as it stands; it is opened where nothing happened in it yet. */
export async function readPeriod(
  db: Executor,
  orgId: string,
  period: string,
  options: { readonly forUpdate?: boolean } = {},
): Promise<BudgetPeriod> {
  const query = options.forUpdate ? lock : read;
  let [row] = await run(db, query, [orgId, period]);
  if (!row) {
    await openPeriod(db, orgId, period);
    [row] = await run(db, query, [orgId, period]);
  }
  if (!row) throw new Error(`there is no organization ${orgId}`);
  return budgetPeriodOf(row);
}

/** Whole percent of the cap that is used, rounded down; null without a cap. A cap of 0 is used up from the start. */
export function percentUsed({ accruedMicros, capMicros }: BudgetPeriod): number | null {
  if (capMicros === null) return null;
  if (capMicros === 0n) return 100;
  return Number((accruedMicros * 100n) / capMicros);
}

/** What callers see of a limit: whole cents, or null. */
export function centsOrNull(micros: bigint | null): number | null {
  return micros === null ? null : centsFromMicros(micros);
}

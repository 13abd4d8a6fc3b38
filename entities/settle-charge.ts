import type { EntityManager } from 'typeorm';
import { Fault, invalidInput } from '../platform/fault';
import { lineKey, type BudgetPeriod, readPeriod } from './budget-period';
import type { Charge } from './gate';
import { run, statement, type Executor } from './sql';

interface ReservedRow {
  readonly id: string;
  readonly org_id: string;
  readonly livemode: boolean;
  readonly period: string;
  readonly meter_class: string;
  readonly family: string;
  readonly units: string;
  readonly unit_micros: string;
  readonly amount_micros: string;
  readonly by_grant: boolean;
  readonly by_quota: boolean;
  readonly status: Charge['status'];
  readonly plan_key: string;
  readonly reserved_units: string | null;
  readonly expires_at: Date | null;
}

const lockCharge = statement<ReservedRow>(
  'lock-charge',
  `SELECT * FROM charges WHERE id = $1 FOR UPDATE`,
);

/** $4 units that were used, of $5 reserved; $6 amount of the one, $7 of the other. */
const settleInPeriod = statement(
  'settle-in-period',
  `UPDATE budget_periods b SET
     held_micros = b.held_micros - $7::bigint,
     accrued_micros = b.accrued_micros + $6::bigint,
     grant_held = b.grant_held - CASE WHEN $8 THEN 1 ELSE 0 END,
     grant_used = b.grant_used + CASE WHEN $8 AND $4::bigint > 0 THEN 1 ELSE 0 END,
     ai_queries_used = b.ai_queries_used - CASE WHEN $9 THEN $5::bigint - $4::bigint ELSE 0 END,
     lines = CASE WHEN $4::bigint > 0
       THEN add_usage_line(b.lines, $3, $4::bigint, 1, $6::bigint, $10) ELSE b.lines END
   WHERE b.org_id = $1 AND b.period = $2`,
);

const markSettled = statement(
  'settle-charge',
  `UPDATE charges SET reserved_units = units, status = $2, units = $3, amount_micros = $4, settled_at = $5, xid = pg_current_xact_id()
   WHERE id = $1`,
);

export interface Settled {
  readonly charge: Charge;
  readonly orgId: string;
  readonly period: BudgetPeriod;
  /** Whether it was settled before, in the same way. */
  readonly repeated: boolean;
}

/**
 * Settles a reservation in the month it was made: commits what was used of it (all, unless said), or releases it.
 * The same again answers the first outcome. Throws not_found, invalid_request for more than was reserved, conflict
 * for a reservation that was settled in another way or has expired.
 */
export async function settleReservation(
  tx: EntityManager,
  options: {
    readonly chargeId: string;
    /** Whose charge it must be; of no organization: anybody's (an operator). In test mode live ones aren't there. */
    readonly owner: { readonly orgId: string | null; readonly livemode: boolean };
    readonly act: 'commit' | 'release';
    readonly units?: number | undefined;
    readonly now: Date;
  },
): Promise<Settled> {
  const { chargeId, owner, act, now } = options;
  const [row] = await run(tx, lockCharge, [chargeId]);
  const isTheirs = row && (owner.orgId === null || row.org_id === owner.orgId);
  if (!isTheirs || (row.livemode && !owner.livemode)) throw new Fault('not_found');
  const reserved = Number(row.units);
  const units = act === 'release' ? 0 : (options.units ?? reserved);
  if (row.status !== 'reserved' || !row.expires_at)
    return settledBefore(tx, row, act, options.units);
  if (units > reserved) {
    throw invalidInput('units', `must not exceed the ${reserved} that were reserved`);
  }
  if (row.expires_at <= now) throw expired();
  await settle(tx, row, units, now);
  return {
    charge: {
      ...chargeOf(row),
      status: statusOf(units),
      units,
      amountMicros: BigInt(row.unit_micros) * BigInt(units),
    },
    orgId: row.org_id,
    period: await readPeriod(tx, row.org_id, row.period),
    repeated: false,
  };
}

/** What a reservation becomes: with nothing used it is released, however that was asked. */
const statusOf = (units: number): 'charged' | 'released' => (units > 0 ? 'charged' : 'released');

async function settledBefore(
  tx: EntityManager,
  row: ReservedRow,
  act: 'commit' | 'release',
  units: number | undefined,
): Promise<Settled> {
  if (row.expires_at === null) {
    throw new Fault('conflict', { message: 'This charge was never a reservation.' });
  }
  const wanted = act === 'release' ? 'released' : statusOf(units ?? 1);
  const same = row.status === wanted && (units === undefined || units === Number(row.units));
  if (!same) {
    throw new Fault('conflict', {
      message: `This reservation is ${row.status === 'charged' ? 'committed' : 'released'} already.`,
      details: { status: row.status, units: Number(row.units) },
    });
  }
  const period = await readPeriod(tx, row.org_id, row.period);
  return { charge: chargeOf(row), orgId: row.org_id, period, repeated: true };
}

const expired = (): Fault =>
  new Fault('conflict', {
    message: 'This reservation has expired; what it held is free again.',
    hint: 'Authorize anew with another idempotency key.',
  });

async function settle(tx: Executor, row: ReservedRow, units: number, now: Date): Promise<void> {
  const unitMicros = BigInt(row.unit_micros);
  const amount = unitMicros * BigInt(units);
  if (row.livemode) {
    await run(tx, settleInPeriod, [
      row.org_id,
      row.period,
      lineKey(row.plan_key, row.family, unitMicros),
      units,
      row.units,
      amount,
      row.amount_micros,
      row.by_grant,
      row.by_quota,
      now.toISOString(),
    ]);
  }
  await run(tx, markSettled, [row.id, statusOf(units), units, amount, now]);
}

function chargeOf(row: ReservedRow): Charge {
  return {
    id: row.id,
    status: row.status,
    meterClass: row.meter_class,
    units: Number(row.units),
    askedUnits: Number(row.reserved_units ?? row.units),
    unitMicros: BigInt(row.unit_micros),
    amountMicros: BigInt(row.amount_micros),
    planKey: row.plan_key,
  };
}

const lockExpired = statement<ReservedRow>(
  'lock-expired-reservations',
  `SELECT * FROM charges WHERE status = 'reserved' AND expires_at <= $1
   ORDER BY expires_at LIMIT 100 FOR UPDATE SKIP LOCKED`,
);

/** Releases reservations whose time is over; what they held is free again. Answers how many. */
export async function releaseExpired(tx: EntityManager, now: Date): Promise<number> {
  const rows = await run(tx, lockExpired, [now]);
  for (const row of rows) await settle(tx, row, 0, now);
  return rows.length;
}

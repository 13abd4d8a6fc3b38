import { newId } from '../platform/ids';
import type { Charge, UsageRequest } from './gate';
import { run, statement, type Executor } from './sql';

interface ChargeRow {
  readonly id: string;
  readonly status: Charge['status'];
  readonly meter_class: string;
  readonly units: string;
  readonly asked_units: string;
  readonly unit_micros: string;
  readonly amount_micros: string;
  readonly plan_key: string;
}

const insert = statement(
  'test-charge',
  `INSERT INTO charges (id, org_id, livemode, key, period, meter_class, family, units, unit_micros, amount_micros,
     by_grant, by_quota, status, plan_key, rate_card, request_id, principal_id, created_at, expires_at, settled_at)
   VALUES ($1, $2, false, $3, $4, $5, $6, $7, 0, 0, false, false,
     CASE WHEN $8::timestamptz IS NULL THEN 'charged' ELSE 'reserved' END, $9, $10, $11, $12, $13, $8,
     CASE WHEN $8::timestamptz IS NULL THEN $13::timestamptz END)
   ON CONFLICT (org_id, livemode, key) DO NOTHING`,
);

const find = statement<ChargeRow>(
  'find-test-charge',
  `SELECT id, CASE WHEN status = 'reserved' AND expires_at <= $3 THEN 'released' ELSE status END AS status, meter_class,
     units, coalesce(reserved_units, units) AS asked_units, unit_micros, amount_micros, plan_key FROM charges
   WHERE org_id = $1 AND NOT livemode AND key = $2`,
);

/** Remembers test-mode work under its key, free and never refused. Answers the first charge of the key. */
export async function chargeInTestMode(
  db: Executor,
  request: UsageRequest,
): Promise<{ charge: Charge; replayed: boolean }> {
  const { orgId, key, price, units, now } = request;
  const id = newId('chg');
  await run(db, insert, [
    id,
    orgId,
    key,
    request.period,
    price.meterClass,
    price.family,
    units,
    request.reserveUntil,
    price.planKey,
    price.rateCard,
    request.requestId,
    request.principalId,
    now,
  ]);
  const [row] = await run(db, find, [orgId, key, now]);
  if (!row) throw new Error(`the charge ${id} was neither stored nor found`);
  const charge: Charge = {
    id: row.id,
    status: row.status,
    meterClass: row.meter_class,
    units: Number(row.units),
    askedUnits: Number(row.asked_units),
    unitMicros: BigInt(row.unit_micros),
    amountMicros: BigInt(row.amount_micros),
    planKey: row.plan_key,
  };
  return { charge, replayed: row.id !== id };
}

import type { EntityManager } from 'typeorm';
import { centsFromMicros } from '../platform/money';
import type { SecretBox } from '../platform/secret-box';
import { billingManagers } from './billing-managers';
import { percentUsed, readPeriod, type BudgetPeriod } from './budget-period';
import type { DeliverySchedule } from './delivery-schedule';
import { queueMail } from './mail';
import { emitEvent } from './publish-event';
import { run, statement, type Executor } from './sql';

/** Percent of the cap at which the organization is told, once each a month. */
export const ALERT_PERCENTS = [75, 90, 95, 100] as const;

/** Percents that are reached and not told yet. */
export function alertsDue(period: BudgetPeriod): number[] {
  const used = percentUsed(period);
  if (used === null) return [];
  return ALERT_PERCENTS.filter((percent) => percent > period.alertedPercent && percent <= used);
}

const markAlerted = statement(
  'mark-alerted',
  `UPDATE budget_periods SET alerted_percent = $3 WHERE org_id = $1 AND period = $2`,
);

/** Tells every percent that is due: an event each, and one mail to the billing managers. Safe to repeat. */
export async function raiseAlerts(
  tx: EntityManager,
  options: {
    readonly orgId: string;
    readonly period: string;
    readonly requestId: string;
    readonly now: Date;
    readonly schedule: DeliverySchedule;
    readonly secrets: SecretBox;
  },
): Promise<number[]> {
  const { orgId, requestId, now, schedule, secrets } = options;
  const period = await readPeriod(tx, orgId, options.period, { forUpdate: true });
  const due = alertsDue(period);
  const highest = due.at(-1);
  if (highest === undefined) return [];
  await run(tx, markAlerted, [orgId, options.period, highest]);
  const spendCapCents = centsFromMicros(period.capMicros ?? 0n);
  const accruedUsageCents = centsFromMicros(period.accruedMicros);
  for (const percent of due) {
    const data = { percent, spendCapCents, accruedUsageCents, invoicePeriod: period.period };
    const type = 'billing.budget.threshold';
    await emitEvent(tx, { orgId, livemode: true, type, data, requestId, now, schedule });
  }
  const managers = await billingManagers(tx, orgId);
  if (managers.length > 0) {
    const dollars = (cents: number): string => `$${(cents / 100).toFixed(2)}`;
    const mail = {
      orgId,
      recipients: managers.map(({ email }) => email),
      requestId,
      subject: `${highest} % of the spend cap of ${period.period} is used`,
      text: `${dollars(accruedUsageCents)} of ${dollars(spendCapCents)} are used in ${period.period} (UTC).`,
    };
    await queueMail(tx, mail, secrets, now);
  }
  return due;
}

const findDue = statement<{ org_id: string }>(
  'periods-with-alerts',
  `SELECT org_id FROM budget_periods WHERE period = $1 AND cap_micros IS NOT NULL AND alerted_percent < 100
     AND accrued_micros * 100 >= cap_micros * CASE WHEN alerted_percent < 75 THEN 75
       WHEN alerted_percent < 90 THEN 90 WHEN alerted_percent < 95 THEN 95 ELSE 100 END
   LIMIT 100`,
);

/** Organizations whose alerts of a month nobody has raised yet. */
export async function organizationsWithAlertsDue(db: Executor, period: string): Promise<string[]> {
  return (await run(db, findDue, [period])).map(({ org_id }) => org_id);
}

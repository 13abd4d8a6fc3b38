import type { DataSource } from 'typeorm';
import { loadCatalog } from '../catalog/load-catalog';
import { organizationsWithAlertsDue, raiseAlerts } from '../entities/budget-alerts';
import type { DeliverySchedule } from '../entities/delivery-schedule';
import { foldAttempts } from '../entities/fold-attempts';
import { foldDeliveries } from '../entities/fold-deliveries';
import { foldStreamRecords } from '../entities/fold-stream-records';
import { releaseExpired } from '../entities/settle-charge';
import { invoicePeriod, type Clock } from '../platform/clock';
import type { Config } from '../platform/config';
import { newId } from '../platform/ids';
import type { Log } from '../platform/log';
import type { SecretBox } from '../platform/secret-box';
import { createLoop, type Loop } from '../platform/loop';

const FOLD_MS = 500;
const ROLLUP_MS = 1_000;
const RELEASE_MS = 1_000;
const ALERT_MS = 5_000;

/** What keeps totals true beside the hot paths: deliveries charged and counted, expired reservations freed, alerts told. */
export function createMeteringLoops(deps: {
  readonly db: DataSource;
  readonly clock: Clock;
  readonly log: Log;
  readonly schedule: DeliverySchedule;
  readonly secrets: SecretBox;
  readonly config: Pick<Config, 'CATALOG_PATH'>;
  readonly wake: () => void;
}): Loop[] {
  const { db, clock, log, schedule, secrets, wake } = deps;
  const catalog = loadCatalog(deps.config.CATALOG_PATH);
  return [
    createLoop({
      name: 'fold deliveries',
      log,
      pollMs: FOLD_MS,
      turn: async () => {
        await db.transaction((tx) => foldDeliveries(tx, catalog));
        return false;
      },
    }),
    createLoop({ name: 'fold attempts', log, pollMs: ROLLUP_MS, turn: () => foldAttempts(db) }),
    createLoop({
      name: 'fold stream records',
      log,
      pollMs: ROLLUP_MS,
      turn: () => foldStreamRecords(db),
    }),
    createLoop({
      name: 'release reservations',
      log,
      pollMs: RELEASE_MS,
      turn: async () => (await db.transaction((tx) => releaseExpired(tx, clock.now()))) > 0,
    }),
    createLoop({
      name: 'budget alerts',
      log,
      pollMs: ALERT_MS,
      turn: async () => {
        const now = clock.now();
        const period = invoicePeriod(now);
        const due = await organizationsWithAlertsDue(db, period);
        for (const orgId of due) {
          const requestId = newId('req');
          const options = { orgId, period, requestId, now, schedule, secrets };
          await db.transaction((tx) => raiseAlerts(tx, options));
        }
        if (due.length > 0) wake();
        return false;
      },
    }),
  ];
}

import type { DataSource } from 'typeorm';
import type { DeliverySchedule } from '../entities/delivery-schedule';
import { endpointsFailingTooLong, tellFailing } from '../entities/failing-endpoints';
import type { Clock } from '../platform/clock';
import type { Log } from '../platform/log';
import { createLoop, type Loop } from '../platform/loop';
import type { SecretBox } from '../platform/secret-box';

const LOOK_MS = 30_000;

/** Looks for endpoints that have had nothing but failures for too long, tells their organizations, and disables them. */
export function createEndpointHealth(deps: {
  readonly db: DataSource;
  readonly clock: Clock;
  readonly log: Log;
  readonly schedule: DeliverySchedule;
  readonly secrets: SecretBox;
  readonly wake: () => void;
}): Loop {
  const { db, clock, log, schedule, secrets, wake } = deps;
  return createLoop({
    name: 'endpoint health',
    log,
    pollMs: LOOK_MS,
    turn: async () => {
      const due = await endpointsFailingTooLong(db, clock.now());
      for (const id of due) {
        const options = { now: clock.now(), schedule, secrets };
        await db.transaction((tx) => tellFailing(tx, id, options));
      }
      if (due.length > 0) wake();
      return false;
    },
  });
}

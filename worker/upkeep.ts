import { hostname } from 'node:os';
import type { DataSource } from 'typeorm';
import type { DeliverySchedule } from '../entities/delivery-schedule';
import { cancelOrphaned } from '../entities/endpoint-lifecycle';
import { expireDeliveries } from '../entities/expire-deliveries';
import { rescueRecoveries } from '../entities/recovery-view';
import { rescueArtifacts } from '../entities/rescue-artifacts';
import { rescueDeliveries } from '../entities/rescue-deliveries';
import type { Clock } from '../platform/clock';
import type { Log } from '../platform/log';
import { createLoop, type Loop } from '../platform/loop';
import { writeHeartbeat } from './heartbeat';

const HEARTBEAT_MS = 5_000;
const UPKEEP_MS = 30_000;

/** Says that the worker lives, ends deliveries whose window is over, and asks anew for workflows that were forgotten. */
export function createUpkeepLoops(deps: {
  readonly db: DataSource;
  readonly clock: Clock;
  readonly log: Log;
  readonly schedule: DeliverySchedule;
  readonly temporal: () => 'up' | 'away';
}): Loop[] {
  const { db, clock, log, schedule, temporal } = deps;
  const workerId = `${hostname()}:${process.pid}`;
  return [
    createLoop({
      name: 'heartbeat',
      log,
      pollMs: HEARTBEAT_MS,
      turn: async () => {
        await writeHeartbeat(db, workerId, temporal(), clock.now());
        return false;
      },
    }),
    createLoop({
      name: 'expiry',
      log,
      pollMs: UPKEEP_MS,
      turn: async () => {
        await cancelOrphaned(db, clock.now());
        return (await expireDeliveries(db, null, clock.now(), schedule)) > 0;
      },
    }),
    createLoop({
      name: 'rescue',
      log,
      pollMs: UPKEEP_MS,
      turn: async () => {
        if (temporal() === 'away') return false;
        const now = clock.now();
        const ids = [...(await rescueDeliveries(db, now)), ...(await rescueArtifacts(db, now))];
        if (ids.length > 0) log.warn({ ids: ids.length }, 'asked anew for forgotten workflows');
        await rescueRecoveries(db, now);
        return false;
      },
    }),
  ];
}

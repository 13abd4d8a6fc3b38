import { setTimeout as pause } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { DataSource } from 'typeorm';
import { appendAudit } from '../entities/audit-record';
import type { ClaimedAttempt } from '../entities/claim-attempt';
import { decideRecovery, finishRecovery, type RecoveryAct } from '../entities/decide-recovery';
import type { DeliverySchedule } from '../entities/delivery-schedule';
import { takeSlot } from '../entities/endpoint-pace';
import { recordOutcome, type AttemptOutcome, type Recorded } from '../entities/record-attempt';
import { isTrouble } from '../entities/recovery-pace';
import {
  claimRecoveryReplays,
  closePage,
  openPage,
  settleLapsed,
  type RecoveryPage,
} from '../entities/recovery-pages';
import { viewRecovery, type RecoveryView } from '../entities/recovery-view';
import type { DeliveryStatus } from '../entities/webhook-delivery';
import type { Clock } from '../platform/clock';
import { Fault } from '../platform/fault';
import type { Log } from '../platform/log';
import type { EndpointSlots } from './endpoint-slots';
import type { MakeAttempt } from './make-attempt';
import { untilRecorded } from './until-recorded';

/** Claims a second at most; above, several are claimed together. */
const CLAIMS_PER_SECOND = 40;
/** How often an endpoint that has its share of requests in flight is looked at again. */
const FULL_WAIT_MS = 25;
/** A page that can't be made in this time is left to the next one. */
const LONGEST_PAGE_MS = 10_000;

export interface RecoveryDependencies {
  readonly db: DataSource;
  readonly clock: Clock;
  readonly log: Log;
  readonly schedule: DeliverySchedule;
  readonly makeAttempt: MakeAttempt;
  readonly slots: EndpointSlots;
  readonly recorded?: Recorded;
}

/** What a recovery's workflow asks of the world. Each is safe to repeat. */
export interface RecoveryActivities {
  /** Makes the next page of replays where one is due, ends the recovery where all are made, and answers how it stands. */
  replayPage(recoveryId: string): Promise<RecoveryView | null>;
  /** Carries out an operator's signal. Answers why not, where it can't be. */
  decideRecovery(recoveryId: string, act: RecoveryAct): Promise<string | null>;
}

/** What is told of a replay that failed by itself: its claim lapses, and it counts as failed. */
function notMade({ deliveryId, attemptId }: ClaimedAttempt, err: unknown): Record<string, unknown> {
  return { deliveryId, attemptId, err };
}

export function createRecoveryActivities(deps: RecoveryDependencies): RecoveryActivities {
  const { db, clock, log, schedule, makeAttempt, slots, recorded } = deps;

  async function makePage(page: RecoveryPage): Promise<void> {
    const context = Context.current();
    const startedMs = performance.now();
    const elapsed = (): number => performance.now() - startedMs;
    const beat = setInterval(() => context.heartbeat(), 1_000);
    const outcomes: AttemptOutcome[] = [];
    const sending: Promise<void>[] = [];
    const chunk = page.paced ? 1 : Math.ceil(page.rate / CLAIMS_PER_SECOND);
    try {
      while (sending.length < page.size && elapsed() < LONGEST_PAGE_MS) {
        const dueMs = (sending.length * 1_000) / page.rate;
        if (elapsed() < dueMs) await pause(dueMs - elapsed());
        if (context.cancellationSignal.aborted) break;
        if (slots.isFull(page.endpointId) || !(await hasSlot(page))) {
          await pause(FULL_WAIT_MS);
          continue;
        }
        const limit = Math.min(chunk, page.size - sending.length);
        const claimed = await claimRecoveryReplays(db, page.recoveryId, limit, clock.now());
        if (claimed.length === 0) break;
        for (const one of claimed) {
          sending.push(
            replay(one).then(
              (outcome) => void outcomes.push(outcome),
              (err: unknown) =>
                void context.log.error('a replay could not be made', notMade(one, err)),
            ),
          );
        }
      }
    } finally {
      await Promise.allSettled(sending);
      clearInterval(beat);
    }
    const troubled = outcomes.filter(isTrouble);
    const askedMs = Math.max(0, ...troubled.map(({ retryAfterMs }) => retryAfterMs ?? 0));
    const made = { made: outcomes.length, troubled: troubled.length, askedMs };
    await closePage(db, page, made, clock.now());
  }

  /** Whether the endpoint takes one more now: the slot is taken then. */
  async function hasSlot({ paced, endpointId }: RecoveryPage): Promise<boolean> {
    return !paced || takeSlot(db, endpointId, clock.now());
  }

  async function replay(claimed: ClaimedAttempt): Promise<AttemptOutcome> {
    const release = slots.take(claimed.endpointId);
    const outcome = await makeAttempt(claimed).finally(release);
    const write = (): Promise<DeliveryStatus | null> => recordOutcome(db, outcome, schedule);
    const nowMs = (): number => clock.now().getTime();
    const status = await untilRecorded([outcome], write, { log, nowMs });
    if (status) recorded?.(outcome, status);
    return outcome;
  }

  return {
    async replayPage(recoveryId) {
      await settleLapsed(db, recoveryId, clock.now());
      const page = await openPage(db, recoveryId, clock.now());
      if (page) await makePage(page);
      await db.transaction(async (tx) => {
        const now = clock.now();
        const finished = await finishRecovery(tx, recoveryId, now);
        if (finished) await appendAudit(tx, finished.orgId, [finished.fact], now);
      });
      return viewRecovery(db, recoveryId);
    },

    async decideRecovery(recoveryId, act) {
      const actor = { type: 'operator', id: 'temporal signal' } as const;
      try {
        await db.transaction(async (tx) => {
          const now = clock.now();
          const decision = { recoveryId, act, actor, requestId: null, now };
          const { recovery, fact } = await decideRecovery(tx, decision);
          if (fact) await appendAudit(tx, recovery.orgId, [fact], now);
        });
        return null;
      } catch (error) {
        if (error instanceof Fault && !error.retryable) return error.message;
        throw error;
      }
    },
  };
}

import {
  condition,
  continueAsNew,
  defineSignal,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { RecoveryActivities } from '../activities/recover-endpoint';
import type { RecoveryAct } from '../entities/decide-recovery';
import type { RecoveryView } from '../entities/recovery-view';
import {
  CANCEL_SIGNAL,
  PAUSE_SIGNAL,
  RESUME_SIGNAL,
  WAKE_SIGNAL,
  type RecoverEndpoint,
  type RecoveryEnd,
} from './contracts';

/** A page holds on to what it has sent for as long as Postgres is away; that its worker lives, its heartbeat says. */
const { replayPage } = proxyActivities<Pick<RecoveryActivities, 'replayPage'>>({
  startToCloseTimeout: '1 day',
  heartbeatTimeout: '5 s',
  retry: { initialInterval: '500 ms', maximumInterval: '30 s' },
});
const { decideRecovery } = proxyActivities<Pick<RecoveryActivities, 'decideRecovery'>>({
  startToCloseTimeout: '15 s',
  retry: { initialInterval: '500 ms', maximumInterval: '30 s' },
});

const wake = defineSignal(WAKE_SIGNAL);
const SIGNALS = [
  [PAUSE_SIGNAL, 'pause'],
  [RESUME_SIGNAL, 'resume'],
  [CANCEL_SIGNAL, 'cancel'],
] as const;

/** How long until a replay whose worker died is looked for again. */
const IN_FLIGHT_MS = 5_000;
const SUSPENDED_MS = 30_000;

/**
 * Replays, page by page and at the recovery's pace, what had failed at its endpoint when it started. How it stands is
 * its row's; signals only wake, or carry what an operator decides.
 */
export async function recoverEndpoint({ recoveryId }: RecoverEndpoint): Promise<RecoveryEnd> {
  const acts: RecoveryAct[] = [];
  let woken = false;
  let said = '';
  setHandler(wake, () => void (woken = true));
  for (const [name, act] of SIGNALS) setHandler(defineSignal(name), () => void acts.push(act));

  for (;;) {
    for (let act = acts.shift(); act; act = acts.shift()) {
      const refusal = await decideRecovery(recoveryId, act);
      said = refusal === null ? '' : `; a signal was not carried out: ${refusal}`;
    }
    woken = false;
    const recovery = await replayPage(recoveryId);
    if (!recovery) return 'gone';
    setCurrentDetails(describeRecovery(recovery) + said);
    const end = endOf(recovery);
    if (end && acts.length === 0) return end;
    if (workflowInfo().continueAsNewSuggested && acts.length === 0) {
      await continueAsNew<typeof recoverEndpoint>({ recoveryId });
    }
    const asked = (): boolean => woken || acts.length > 0;
    const lookAgainMs = waitMs(recovery);
    if (lookAgainMs === null) await condition(asked);
    else if (lookAgainMs > 0) await condition(asked, lookAgainMs);
  }
}

const inFlight = ({ replayed, succeeded, failed }: RecoveryView): number =>
  replayed - succeeded - failed;

/** The end, once nothing is in flight any more. */
function endOf(recovery: RecoveryView): RecoveryEnd | null {
  const { status } = recovery;
  if (status === 'done') return 'done';
  return status === 'cancelled' && inFlight(recovery) === 0 ? 'cancelled' : null;
}

/** How long to wait for the next page; null: until a signal comes. */
function waitMs(recovery: RecoveryView): number | null {
  const { status, suspended, replayed, total, nextAt } = recovery;
  if (status !== 'running') return inFlight(recovery) > 0 ? IN_FLIGHT_MS : null;
  if (suspended) return SUSPENDED_MS;
  if (replayed === total) return IN_FLIGHT_MS;
  return Math.ceil(nextAt - Date.now());
}

/** One line for an operator reading Temporal's UI. */
function describeRecovery(recovery: RecoveryView): string {
  const { status, total, replayed, succeeded, failed, rate, perSecond, suspended } = recovery;
  const pace = `at ${rate.toFixed(1)} a second of ${perSecond} at most`;
  const now = suspended && status === 'running' ? 'waiting: the organization is suspended' : status;
  return `${now}: ${replayed} of ${total} replayed, ${succeeded} succeeded, ${failed} failed, ${pace}`;
}

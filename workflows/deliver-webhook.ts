import {
  condition,
  continueAsNew,
  defineSignal,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { DeliveryActivities } from '../activities/deliver-webhook';
import type { DeliveryView } from '../entities/delivery-view';
import {
  CANCEL_SIGNAL,
  REPLAY_SIGNAL,
  WAKE_SIGNAL,
  type DeliverWebhook,
  type DeliveryEnd,
  type ReplaySignal,
} from './contracts';
import { describeArrival, describeDelivery } from './describe-delivery';
import { createReplayQueue } from './replay-queue';

const { readDelivery } = proxyLocalActivities<Pick<DeliveryActivities, 'readDelivery'>>({
  startToCloseTimeout: '10 s',
  retry: { maximumInterval: '30 s' },
});
const { sendAttempt } = proxyActivities<Pick<DeliveryActivities, 'sendAttempt'>>({
  startToCloseTimeout: '25 s',
  retry: { initialInterval: '1 s', maximumInterval: '20 s' },
});
const { recordAttempt, cancelDelivery, expireDelivery, refuseReplay } = proxyActivities<
  Pick<DeliveryActivities, 'recordAttempt' | 'cancelDelivery' | 'expireDelivery' | 'refuseReplay'>
>({ startToCloseTimeout: '15 s', retry: { initialInterval: '500 ms', maximumInterval: '30 s' } });

const replay = defineSignal<[ReplaySignal?]>(REPLAY_SIGNAL);
const cancel = defineSignal(CANCEL_SIGNAL);
const wake = defineSignal(WAKE_SIGNAL);

/**
 * Makes a delivery's attempts when they are due until it ends or its window closes. A replay interrupts any wait and
 * may come after the end; one at a time. What happened is in the row: each turn begins by reading it.
 */
export async function deliverWebhook(input: DeliverWebhook): Promise<DeliveryEnd> {
  const { deliveryId, arrivedAt } = input;
  const replays = createReplayQueue();
  let cancelled = false;
  let woken = false;
  setHandler(replay, (signal) => replays.add(signal?.replayId));
  setHandler(cancel, () => void (cancelled = true));
  setHandler(wake, () => void (woken = true));

  if (arrivedAt !== undefined) {
    setCurrentDetails(describeArrival(arrivedAt));
    if (!replays.waiting()) return 'delivered';
  }

  for (;;) {
    if (cancelled) await cancelDelivery(deliveryId);
    cancelled = woken = false;
    const delivery = await readDelivery(deliveryId);
    if (!delivery) return 'gone';
    setCurrentDetails(describeDelivery(delivery));

    const asked = replays.next();
    if (asked) {
      if (delivery.endpoint === 'active') await attempt(deliveryId, asked);
      else await refuseReplay(deliveryId, asked);
      continue;
    }
    const end = await endOf(deliveryId, delivery);
    if (end && !replays.waiting() && !cancelled) return end;
    if (isDue(delivery)) {
      await attempt(deliveryId, null);
      continue;
    }
    if (workflowInfo().continueAsNewSuggested && !replays.waiting()) {
      await continueAsNew<typeof deliverWebhook>({ deliveryId });
    }
    await condition(() => replays.waiting() || cancelled || woken, waitMs(delivery));
  }
}

async function attempt(deliveryId: string, replayId: string | null): Promise<void> {
  const outcome = await sendAttempt(deliveryId, replayId);
  if (outcome) await recordAttempt(outcome);
}

/** The end, once nothing but a replay can follow: delivered and cancelled at once, the rest when the window closes. */
async function endOf(deliveryId: string, delivery: DeliveryView): Promise<DeliveryEnd | null> {
  if (delivery.status === 'delivered' || delivery.status === 'cancelled') return delivery.status;
  if (Date.now() < delivery.windowEndsAt) return null;
  if (delivery.status === 'pending') await expireDelivery(deliveryId);
  return 'failed';
}

function isDue({ status, nextAt, endpoint }: DeliveryView): boolean {
  return status === 'pending' && endpoint === 'active' && nextAt !== null && nextAt <= Date.now();
}

/** How long to sleep: until the next attempt, or, where none can be made now, until the window closes. */
function waitMs(delivery: DeliveryView): number {
  const waitsForAttempt = delivery.status === 'pending' && delivery.endpoint === 'active';
  const until = waitsForAttempt
    ? (delivery.nextAt ?? delivery.windowEndsAt)
    : delivery.windowEndsAt;
  return Math.max(until - Date.now(), 1);
}

import {
  condition,
  defineSignal,
  proxyActivities,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import type { GraceView, StripeActivities } from '../activities/stripe';
import { WAKE_SIGNAL, type EndGrace } from './contracts';

const { readGrace, endGrace: askAndEnd } = proxyActivities<StripeActivities>({
  startToCloseTimeout: '60 s',
  retry: { initialInterval: '1 s', maximumInterval: '2 min' },
});

const wake = defineSignal(WAKE_SIGNAL);

const SHORTEST_MS = 1_000;

/**
 * Waits out the days of grace after a failed payment, then asks Stripe anew: who has paid goes on, who hasn't is left with
 * reads alone. A wake-up makes it look again: it ends at once where the payment came in.
 */
export async function endGrace({ orgId }: EndGrace): Promise<string> {
  let told = false;
  let isDue = false;
  setHandler(wake, () => void (told = true));
  for (;;) {
    told = false;
    const grace = isDue ? await askAndEnd(orgId) : await readGrace(orgId);
    isDue = false;
    setCurrentDetails(describeGrace(grace));
    if (told) continue;
    if (!grace.isRunning) return grace.billingState;
    const leftMs = Math.max(grace.endsAt - Date.now(), SHORTEST_MS);
    isDue = !(await condition(() => told, leftMs));
  }
}

/** One line for an operator reading Temporal's UI. */
function describeGrace({ isRunning, planKey, billingState, endsAt }: GraceView): string {
  if (!isRunning) return `${planKey}: ${billingState}`;
  const until = new Date(endsAt).toISOString().slice(0, 16).replace('T', ' ');
  return `${planKey}: a payment failed; only reads are left from ${until} UTC unless it comes in`;
}

import { setTimeout as pause } from 'node:timers/promises';
import type { ThrowawayStack } from '../devstack/throwaway-stack';
import type { Proof } from './proof';
import { deliverUnderFire } from './under-fire';

const EVENTS = 1_000;
const KILLED_AT = [300, 700];
const PARTS = ['api', 'worker', 'temporal', 'postgres'] as const;
const CHAOS_MS = 10 * 60_000;
const CHAOS_PER_SECOND = 25;
/** Between two kills of the chaos, at random (ms). */
const CHAOS_GAP_MS = [4_000, 16_000] as const;

/** SIGKILL of each part twice in the middle of a thousand deliveries, and of any part again and again for ten minutes. */
export const killPartProofs: readonly Proof[] = [
  ...PARTS.map((part): Proof => ({
    name: `kill-${part}`,
    runs: 'beside',
    claim: `SIGKILL of ${part} twice amid ${EVENTS} events: all arrive, none is stuck, attempts tell it`,
    run: () =>
      deliverUnderFire({
        events: EVENTS,
        perSecond: 200,
        onAccepted: (stack, count) => void (KILLED_AT.includes(count) && kill(stack, part)),
      }),
  })),
  {
    name: 'chaos',
    runs: 'long',
    claim:
      'SIGKILL of any part at random moments for 10 minutes under load: all arrive, none is stuck',
    run: (say) =>
      deliverUnderFire({
        events: (CHAOS_MS / 1_000) * CHAOS_PER_SECOND,
        perSecond: CHAOS_PER_SECOND,
        beside: (stack, over) => killAtRandom(stack, over, say),
      }),
  },
];

function kill(stack: ThrowawayStack, part: (typeof PARTS)[number]): void {
  const pid = stack.pids()[part];
  if (pid === undefined) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is down already, and being started again.
  }
}

async function killAtRandom(
  stack: ThrowawayStack,
  over: () => boolean,
  say: (text: string) => void,
): Promise<Record<string, string>> {
  const kills = new Map<string, number>(PARTS.map((part) => [part, 0]));
  const [least, most] = CHAOS_GAP_MS;
  const endsAt = Date.now() + CHAOS_MS;
  for (let saidAt = 0; !over();) {
    await pause(least + Math.random() * (most - least));
    if (over()) break;
    const part = PARTS[Math.floor(Math.random() * PARTS.length)] ?? 'worker';
    kill(stack, part);
    kills.set(part, (kills.get(part) ?? 0) + 1);
    if (Date.now() - saidAt < 60_000) continue;
    saidAt = Date.now();
    say(`${Math.max(Math.ceil((endsAt - saidAt) / 60_000), 0)} minutes to go`);
  }
  return { kills: [...kills].map(([part, count]) => `${part} ${count}`).join(', ') };
}

import { setTimeout as pause } from 'node:timers/promises';
import { startReceiver, type Receiver } from '../devstack/receiver';
import { withThrowawayStack, type ThrowawayStack } from '../devstack/throwaway-stack';
import type { Proof, ProofResult } from './proof';

const BEHIND = 2_000;
const PER_SECOND = 50;
const SECONDS = 15;
/** Below this a ratio of two times says more of the machine than of us (ms). */
const NOISE_MS = 15;

/** An endpoint that never answers, with a long queue, beside one that does. */
export const hangingEndpointProofs: readonly Proof[] = [
  {
    name: 'hanging-endpoint',
    claim: `an endpoint that hangs with ${BEHIND} deliveries behind it moves another’s p95 by less than 2×`,
    run: hangBeside,
  },
];

async function hangBeside(say: (text: string) => void): Promise<ProofResult> {
  const receiver = await startReceiver({ kept: Infinity });
  try {
    return await withThrowawayStack({ LOG_LEVEL: 'warn' }, say, async (stack) => {
      await listen(stack, `${receiver.url}/ok`, 'filing.published');
      await listen(stack, `${receiver.url}/hang`, 'monitor.match');
      await latencies(stack, receiver, 5);
      const alone = await latencies(stack, receiver, SECONDS);
      await Promise.all(
        Array.from({ length: BEHIND / 100 }, () =>
          stack.call('POST', '/v1/events', {
            events: Array.from({ length: 100 }, () => ({ type: 'monitor.match', data: {} })),
          }),
        ),
      );
      const beside = await latencies(stack, receiver, SECONDS);
      const [before, after] = [p95(alone), p95(beside)];
      const moved = after > 2 * before && after - before > NOISE_MS;
      const lost = SECONDS * PER_SECOND * 2 - alone.length - beside.length;
      return {
        complaints: [
          ...(moved ? [`p95 went from ${before} to ${after} ms`] : []),
          ...(lost > 0 ? [`${lost} did not arrive`] : []),
        ],
        figures: { 'p95 alone': `${before} ms`, 'p95 beside': `${after} ms` },
      };
    });
  } finally {
    await receiver.close();
  }
}

async function listen(stack: ThrowawayStack, destinationUrl: string, type: string): Promise<void> {
  await stack.call('POST', '/v1/webhook_endpoints', {
    destinationUrl,
    subscribedEventTypes: [type],
  });
}

/** Publishes at a rate and answers how long each event was on its way (ms), sorted. */
async function latencies(
  stack: ThrowawayStack,
  receiver: Receiver,
  seconds: number,
): Promise<number[]> {
  receiver.clear();
  const sending: Promise<unknown>[] = [];
  for (let n = 0; n < seconds * PER_SECOND; n++) {
    const body = { type: 'filing.published', data: { sentAt: Date.now() } };
    sending.push(stack.call('POST', '/v1/events', body));
    await pause(1_000 / PER_SECOND);
  }
  await Promise.all(sending);
  const arrived = () => receiver.requests.filter(({ path }) => path === '/ok');
  await receiver.waitFor(() => arrived().length >= sending.length, 20_000).catch(() => undefined);
  return arrived()
    .map(({ at, body }) => at - (JSON.parse(body) as { data: { sentAt: number } }).data.sentAt)
    .sort((a, b) => a - b);
}

function p95(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length * 0.95)] ?? 0;
}

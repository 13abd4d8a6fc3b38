import { Agent } from 'undici';

export interface PublishResult {
  readonly accepted: number;
  readonly refused: number;
  /** ms from sending to the 202, sorted. */
  readonly acceptMs: number[];
  readonly seconds: number;
}

interface Target {
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly type: string;
}

/** Publishes `rate` events a second for `seconds`, on time whatever the answers do (open loop). */
export async function publishAtRate(
  target: Target,
  rate: number,
  seconds: number,
): Promise<PublishResult> {
  const total = rate * seconds;
  const publisher = createPublisher(target, 128);
  const startedAt = performance.now();
  for (let sent = 0; sent < total;) {
    const due = Math.min(total, Math.floor(((performance.now() - startedAt) / 1_000) * rate) + 1);
    for (; sent < due; sent++) void publisher.publish();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return publisher.finish(startedAt);
}

/** Publishes `total` events as fast as `connections` connections take them. */
export async function publishBurst(
  target: Target,
  total: number,
  connections: number,
): Promise<PublishResult> {
  const publisher = createPublisher(target, connections);
  const startedAt = performance.now();
  let sent = 0;
  const lanes = Array.from({ length: connections }, async () => {
    while (sent < total) {
      sent += 1;
      await publisher.publish();
    }
  });
  await Promise.all(lanes);
  return publisher.finish(startedAt);
}

function createPublisher({ apiUrl, apiKey, type }: Target, connections: number) {
  const agent = new Agent({ connections });
  const open = new Set<Promise<void>>();
  const acceptMs: number[] = [];
  let refused = 0;

  async function one(): Promise<void> {
    const startedAt = performance.now();
    const sentAt = performance.timeOrigin + startedAt;
    try {
      const answer = await agent.request({
        origin: apiUrl,
        path: '/v1/events',
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-api-key': apiKey },
        body: JSON.stringify({ type, data: { sentAt, pad: 'x'.repeat(100) } }),
      });
      await answer.body.dump();
      if (answer.statusCode === 202) acceptMs.push(performance.now() - startedAt);
      else refused += 1;
    } catch {
      refused += 1;
    }
  }

  return {
    publish(): Promise<void> {
      const sent = one().finally(() => open.delete(sent));
      open.add(sent);
      return sent;
    },
    async finish(startedAt: number): Promise<PublishResult> {
      await Promise.all(open);
      const seconds = (performance.now() - startedAt) / 1_000;
      await agent.close();
      return {
        accepted: acceptMs.length,
        refused,
        acceptMs: acceptMs.sort((a, b) => a - b),
        seconds,
      };
    },
  };
}

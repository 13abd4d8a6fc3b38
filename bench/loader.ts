import { Agent } from 'undici';

export interface LoadResult {
  readonly accepted: number;
  readonly refused: number;
  /** ms from sending to the answer, sorted. */
  readonly acceptMs: number[];
  readonly seconds: number;
}

/** What is sent again and again. */
export interface Load {
  readonly apiUrl: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Makes the key and the body of the n-th request, just before it is sent. */
  readonly request: (n: number) => { readonly apiKey: string; readonly body?: object };
  /** The status that counts as accepted. */
  readonly accepts: number;
}

/**
 * Sends `rate` requests a second for `seconds`, on time whatever the answers do (open loop). Sleeps until the next one
 * is due: a load that polls the clock would take from what it measures.
 */
export async function loadAtRate(load: Load, rate: number, seconds: number): Promise<LoadResult> {
  const total = rate * seconds;
  const loader = createLoader(load, 128);
  const startedAt = performance.now();
  for (let sent = 0; sent < total; sent++) {
    const waitMs = startedAt + (sent * 1_000) / rate - performance.now();
    if (waitMs > 0.5) await new Promise((resolve) => setTimeout(resolve, waitMs));
    void loader.send();
  }
  return loader.finish(startedAt);
}

/** Sends `total` requests as fast as `connections` connections take them. */
export async function loadBurst(
  load: Load,
  total: number,
  connections: number,
): Promise<LoadResult> {
  const loader = createLoader(load, connections);
  const startedAt = performance.now();
  let sent = 0;
  const lanes = Array.from({ length: connections }, async () => {
    while (sent < total) {
      sent += 1;
      await loader.send();
    }
  });
  await Promise.all(lanes);
  return loader.finish(startedAt);
}

function createLoader({ apiUrl, method, path, request, accepts }: Load, connections: number) {
  const agent = new Agent({ connections });
  const open = new Set<Promise<void>>();
  const acceptMs: number[] = [];
  let refused = 0;
  let n = 0;

  async function one(): Promise<void> {
    const { apiKey, body } = request(n++);
    const startedAt = performance.now();
    try {
      const answer = await agent.request({
        origin: apiUrl,
        path,
        method,
        headers: { 'content-type': 'application/json', 'x-api-key': apiKey },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      await answer.body.dump();
      if (answer.statusCode === accepts) acceptMs.push(performance.now() - startedAt);
      else refused += 1;
    } catch {
      refused += 1;
    }
  }

  return {
    send(): Promise<void> {
      const sent = one().finally(() => open.delete(sent));
      open.add(sent);
      return sent;
    },
    async finish(startedAt: number): Promise<LoadResult> {
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

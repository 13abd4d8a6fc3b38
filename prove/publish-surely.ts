import { setTimeout as pause } from 'node:timers/promises';

const RETRY_MS = 100;
const GIVE_UP_MS = 120_000;

/**
 * Publishes `total` events at a rate, each with an id of its own and again until it is accepted, as a careful producer
 * does. Answers the accepted events' ids and types. Throws where one is refused, or none is accepted for two minutes.
 */
export async function publishSurely(options: {
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly total: number;
  readonly perSecond: number;
  readonly typeOf: (n: number) => string;
  readonly onAccepted: (count: number) => void;
}): Promise<Map<string, string>> {
  const { apiUrl, apiKey, total, perSecond, typeOf, onAccepted } = options;
  const accepted = new Map<string, string>();
  const startedAt = Date.now();
  const failed = new AbortController();

  async function publish(n: number): Promise<void> {
    const body = JSON.stringify({ id: `proof-${n}`, type: typeOf(n), data: { n } });
    const headers = { 'content-type': 'application/json', 'x-api-key': apiKey };
    for (const until = Date.now() + GIVE_UP_MS; ; await pause(RETRY_MS)) {
      const answer = await fetch(`${apiUrl}/v1/events`, { method: 'POST', headers, body }).catch(
        () => null,
      );
      const reply = (await answer?.json().catch(() => null)) as { id?: string } | null | undefined;
      if (answer?.ok && reply?.id) {
        accepted.set(reply.id, typeOf(n));
        onAccepted(accepted.size);
        return;
      }
      if (answer && answer.status < 500) throw new Error(`an event was refused: ${answer.status}`);
      if (failed.signal.aborted) return;
      if (Date.now() > until) throw new Error('the API accepted nothing for two minutes');
    }
  }

  const open: Promise<void>[] = [];
  for (let n = 0; n < total && !failed.signal.aborted; n++) {
    const waitMs = startedAt + (n * 1_000) / perSecond - Date.now();
    if (waitMs > 1) await pause(waitMs);
    open.push(publish(n).catch((error: unknown) => failed.abort(error)));
  }
  await Promise.all(open);
  failed.signal.throwIfAborted();
  return accepted;
}

import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';

const RETRY_MS = 25;
const ANSWER_MS = 5_000;

/** Somebody who reads all the time, and goes on from its cursor whenever the server goes away. */
export interface Reader {
  /** The cursors of what was seen, in the order in which it came. */
  readonly seen: readonly string[];
  /** How often it asked, or connected. */
  readonly turns: number;
  /** Resolves when it reads for the first time. */
  readonly ready: Promise<void>;
  stop(): Promise<void>;
}

export interface Place {
  readonly apiUrl: string;
  readonly apiKey: string;
}

async function ask<Reply>({ apiUrl, apiKey }: Place, method: string, path: string): Promise<Reply> {
  const signal = AbortSignal.timeout(ANSWER_MS);
  const answer = await fetch(apiUrl + path, { method, headers: { 'x-api-key': apiKey }, signal });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status}`);
  return (await answer.json()) as Reply;
}

/** Polls a stream at full speed. */
export function pollAlong(place: Place, streamId: string): Reader {
  const path = `/v1/stream_subscriptions/${streamId}/events?limit=200`;
  return read(async (reader) => {
    const cursor = reader.cursor === null ? '' : `&cursor=${reader.cursor}`;
    const page = await ask<{ data: { id: string }[]; replayCursor: string | null }>(
      place,
      'GET',
      path + cursor,
    );
    reader.isReady();
    for (const { id } of page.data) reader.seen.push(id);
    reader.cursor = page.replayCursor;
  });
}

interface RecordFrame {
  readonly event: string;
  readonly cursor: string;
}

/** Reads over a WebSocket, until it closes and over another one then. */
export function listenAlong(place: Place, query: Record<string, string>): Reader {
  return read(async (reader, stopping) => {
    const { token } = await ask<{ token: string }>(place, 'POST', '/v1/stream/tickets');
    const cursor = reader.cursor === null ? {} : { cursor: reader.cursor };
    const wishes = new URLSearchParams({ ...query, ...cursor, ticket: token }).toString();
    const ws = new WebSocket(`${place.apiUrl.replace('http', 'ws')}/v1/stream/ws?${wishes}`);
    ws.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as RecordFrame;
      if (frame.event !== 'connected') reader.seen.push(frame.cursor);
      reader.cursor = frame.cursor;
      reader.isReady();
    });
    const closed = new Promise<void>((resolve, reject) => {
      ws.once('close', () => resolve());
      ws.once('error', reject);
    });
    void stopping.then(() => ws.close());
    await closed;
  });
}

interface State {
  cursor: string | null;
  readonly seen: string[];
  readonly isReady: () => void;
}

function read(turn: (state: State, stopping: Promise<void>) => Promise<void>): Reader {
  let isReady = (): void => undefined;
  let stop = (): void => undefined;
  const ready = new Promise<void>((resolve) => (isReady = resolve));
  const stopping = new Promise<void>((resolve) => (stop = resolve));
  const state: State = { cursor: null, seen: [], isReady };
  let turns = 0;
  let stopped = false;
  const running = (async () => {
    while (!stopped) {
      turns += 1;
      await turn(state, stopping).catch(() => pause(RETRY_MS));
    }
  })();
  return {
    seen: state.seen,
    ready,
    get turns() {
      return turns;
    },
    async stop() {
      stopped = true;
      stop();
      await running;
    },
  };
}

import { WebSocket, type ClientOptions } from 'ws';
import type { Tenant, TestApi } from './api';
import { until } from './until';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into any frame
export type Frame = any;

/** A client of the API's WebSocket that keeps every frame. */
export interface TestSocket {
  readonly ws: WebSocket;
  readonly frames: readonly Frame[];
  /** The frames as they came. */
  readonly texts: readonly string[];
  readonly closed: Promise<{ code: number; reason: Frame }>;
  /** Sends a frame; a string goes as it is. */
  say(frame: unknown): void;
  /** Waits until so many frames of an event came, and answers them. */
  heard(event: string, count?: number): Promise<Frame[]>;
  /** Closes, and waits until it is closed. */
  leave(): Promise<void>;
}

export interface Refusal {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Frame;
}

const socketUrl = (api: Pick<TestApi, 'url'>, query: Record<string, string>): string =>
  `${api.url.replace('http', 'ws')}/v1/stream/ws?${new URLSearchParams(query).toString()}`;

export async function ticketOf(tenant: Tenant): Promise<string> {
  return (await tenant.call('POST', '/v1/stream/tickets')).body.token as string;
}

/** Opens a socket with a ticket of its own and waits for `connected`. */
export async function openSocket(
  api: Pick<TestApi, 'url'>,
  tenant: Tenant,
  query: Record<string, string> = {},
): Promise<TestSocket> {
  const opened = await tryToOpen(api, { ticket: await ticketOf(tenant), ...query });
  if ('status' in opened) throw new Error(`refused: ${JSON.stringify(opened.body)}`);
  await opened.heard('connected');
  return opened;
}

/** Opens a socket, or answers with what HTTP refused it. */
export function tryToOpen(
  api: Pick<TestApi, 'url'>,
  query: Record<string, string>,
  options: ClientOptions = {},
): Promise<TestSocket | Refusal> {
  const headers = { 'x-request-id': 'walk' };
  const ws = new WebSocket(socketUrl(api, query), { headers, ...options });
  const texts: string[] = [];
  const frames: Frame[] = [];
  const closed = new Promise<{ code: number; reason: Frame }>((resolve) =>
    ws.once('close', (code, reason) => {
      const text = reason.toString();
      resolve({ code, reason: text.startsWith('{') ? JSON.parse(text) : text });
    }),
  );
  ws.on('message', (data: Buffer) => {
    texts.push(data.toString());
    frames.push(JSON.parse(data.toString()));
  });
  const socket: TestSocket = {
    ...{ ws, frames, texts, closed },
    say: (frame) => ws.send(typeof frame === 'string' ? frame : JSON.stringify(frame)),
    heard: (event, count = 1) =>
      until(
        () => Promise.resolve(frames.filter((frame: Frame) => frame.event === event)),
        (some) => some.length >= count,
      ),
    async leave() {
      ws.close();
      await closed;
    },
  };
  return new Promise((resolve, reject) => {
    ws.once('open', () => {
      ws.on('error', () => undefined);
      resolve(socket);
    });
    ws.once('error', reject);
    ws.once('unexpected-response', (_request, response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: JSON.parse(Buffer.concat(chunks).toString()),
        }),
      );
    });
  });
}

/** Tries to open a socket and answers the refusal. Throws where it opened. */
export async function refusalOf(
  api: Pick<TestApi, 'url'>,
  query: Record<string, string>,
): Promise<Refusal> {
  const opened = await tryToOpen(api, query);
  if ('status' in opened) return opened;
  opened.ws.terminate();
  throw new Error('the socket opened');
}

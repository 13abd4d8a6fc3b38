import { SECOND_MS } from '../../platform/clock';

/** What one socket may use of the server. */
export interface SocketLimits {
  /** Bytes that wait in the process for a slow client; nothing more is read for it until they have gone. */
  readonly bufferedBytes: number;
  /** How long they may wait before the socket is closed. */
  readonly slowMs: number;
  /** The largest frame a client may send. */
  readonly frameBytes: number;
  /** Frames that a client may send at once, and how many more a second. */
  readonly burst: number;
  readonly perSecond: number;
  /** Frames over that, until the socket is closed. */
  readonly strikes: number;
  /** A client that has not answered a ping by the next one is gone. */
  readonly pingMs: number;
  /** How often it is looked at whether keys and streams still stand: a revoked key's sockets close within this. */
  readonly renewMs: number;
  /** How long a drain waits for clients to close. */
  readonly drainMs: number;
}

export const SOCKET_LIMITS: SocketLimits = {
  bufferedBytes: 2 ** 20,
  slowMs: 30 * SECOND_MS,
  frameBytes: 16 * 2 ** 10,
  burst: 60,
  perSecond: 10,
  strikes: 60,
  pingMs: 25 * SECOND_MS,
  renewMs: 3 * SECOND_MS,
  drainMs: 5 * SECOND_MS,
};

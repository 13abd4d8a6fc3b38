import type { RawData, WebSocket } from 'ws';
import type { FeedPage, FeedPosition } from '../../entities/stream-feed';
import type { Clock } from '../../platform/clock';
import type { Cursors } from '../http/cursor';
import type { Admission } from './admit-socket';
import { cursorAt } from './feed-cursor';
import type { FeedClient } from './feed-reader';
import { createInflow, readClientFrame } from './inbound-frames';
import { isWanted, recordFrame, type FilingFilters } from './socket-frames';
import type { SocketLimits } from './socket-limits';
import type { SocketEnd, SocketMetrics } from './socket-metrics';

const CLOSE_CODES: Partial<Record<SocketEnd, number>> = {
  draining: 1001,
  flood: 1008,
  key_revoked: 1008,
  stream_deleted: 1008,
  server_error: 1011,
  slow_consumer: 1013,
};
const FLOOD_GRACE_MS = 2_000;

/** One open socket: what it reads, what it was sent, and how it ends. */
export interface SocketSession extends FeedClient {
  readonly ticketId: string;
  /** Looks after the socket, again and again: a slow consumer is closed, a silent one is asked whether it lives. */
  tend(): void;
  /** Says why, and from where to go on; then closes. */
  close(why: SocketEnd): void;
  terminate(): void;
}

export function createSession(options: {
  readonly ws: WebSocket;
  readonly connectionId: string;
  readonly admission: Admission;
  readonly cursors: Cursors;
  readonly clock: Clock;
  readonly limits: SocketLimits;
  readonly metrics: SocketMetrics;
  /** Told when there is room for more after there was none. */
  readonly onRoom: () => void;
  readonly onEnd: (why: SocketEnd) => void;
}): SocketSession {
  const { ws, connectionId, admission, cursors, clock, limits, metrics, onRoom, onEnd } = options;
  const { feed, snapshot, resumes, types, ticket } = admission;
  const inflow = createInflow(limits);
  let position: FeedPosition = admission.start;
  let cursor = cursorAt(cursors, feed, position);
  let filters: FilingFilters = admission.filters;
  let end: SocketEnd | null = null;
  let blockedAt: number | null = null;
  let pingedAt = clock.now().getTime();
  let answered = true;

  const hasRoom = (): boolean => end === null && blockedAt === null && ws.readyState === ws.OPEN;

  function send(kind: 'record' | 'control', text: string): void {
    metrics.sent(kind);
    ws.send(text, () => {
      if (blockedAt === null || ws.bufferedAmount > limits.bufferedBytes / 2) return;
      blockedAt = null;
      onRoom();
    });
    if (ws.bufferedAmount > limits.bufferedBytes) blockedAt ??= clock.now().getTime();
  }
  const say = (frame: object): void => send('control', JSON.stringify(frame));

  function endAs(why: SocketEnd): void {
    if (end !== null) return;
    end = why;
    metrics.ended(why);
  }

  function close(why: SocketEnd): void {
    if (end !== null) return;
    endAs(why);
    ws.close(CLOSE_CODES[why] ?? 1011, JSON.stringify({ reason: why, cursor }));
    if (why === 'flood') setTimeout(() => ws.terminate(), FLOOD_GRACE_MS).unref();
  }

  function terminate(): void {
    endAs('dead');
    ws.terminate();
  }

  /** Whether what the client sent may be heard. */
  function isHeard(): boolean {
    answered = true;
    if (end !== null) return false;
    const { verdict, retryAfterMs } = inflow.take(clock.now().getTime());
    if (verdict === 'flood') close('flood');
    if (verdict === 'warn') {
      const message = `Too many frames: at most ${limits.perSecond} a second are read.`;
      say({ event: 'rate_limited', message, retryAfterMs });
    }
    return verdict === 'pass';
  }

  function hear(data: RawData, isBinary: boolean): void {
    if (!isHeard()) return;
    const frame = readClientFrame(isBinary ? null : (data as Buffer).toString('utf8'));
    if (frame.type === 'ping') say({ event: 'pong', cursor });
    else if (frame.type === 'bad')
      say({ event: 'error', code: frame.code, message: frame.message });
    else {
      filters = { ...filters, ...frame.filters };
      say({ event: 'filters_updated', filters });
    }
  }

  ws.on('message', hear);
  ws.on('ping', () => void isHeard());
  ws.on('pong', () => {
    answered = true;
  });
  ws.on('error', () => endAs('protocol'));
  ws.on('close', () => {
    endAs('client');
    metrics.closed();
    onEnd(end ?? 'client');
  });
  metrics.opened();
  say({
    event: 'connected',
    connectionId,
    orgId: ticket.orgId,
    filters,
    cursor,
    serverTime: clock.now().toISOString(),
  });

  return {
    ticketId: ticket.id,
    feed,
    position: () => position,
    wantsMore: hasRoom,
    offer(page: FeedPage) {
      for (const record of page.records) {
        if (!hasRoom()) return;
        const replayed = snapshot.includes(record.xid);
        if ((resumes || !replayed) && isWanted(record, types, filters)) {
          send('record', recordFrame(record, clock.now(), replayed));
        }
        position = { xid: record.xid, id: record.id };
        cursor = record.id;
      }
      position = page.end;
    },
    tend() {
      const nowMs = clock.now().getTime();
      if (blockedAt !== null && nowMs - blockedAt >= limits.slowMs) return close('slow_consumer');
      if (nowMs - pingedAt < limits.pingMs) return undefined;
      // One whose client is slow is not dead yet; it ends as such.
      if (!answered && blockedAt === null) return terminate();
      answered = false;
      pingedAt = nowMs;
      ws.ping();
      return undefined;
    },
    close,
    terminate,
  };
}

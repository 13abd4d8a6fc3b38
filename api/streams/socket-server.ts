import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { closeSockets, renewSockets } from '../../entities/stream-socket';
import { Fault } from '../../platform/fault';
import { newId } from '../../platform/ids';
import { callerAddress } from '../http/caller-address';
import { asFault, errorBody, rawErrorAnswer } from '../http/error-body';
import type { HttpMetrics } from '../http/http-metrics';
import type { ApiContext } from '../http/operation';
import { API_VERSION, requestIdOf, traceparentOf } from '../http/request-state';
import { serveAsPlain } from '../http/serve-as-plain';
import { admitSocket, type Admission } from './admit-socket';
import { createFeedReader } from './feed-reader';
import { openStreamSocket, SOCKET_PATH } from './open-socket';
import { SOCKET_LIMITS, type SocketLimits } from './socket-limits';
import { createSocketMetrics } from './socket-metrics';
import { createSession, type SocketSession } from './socket-session';

const TEND_MS = 250;
const DRAIN_RETRY_SECONDS = 1;

/** The WebSockets of this process. */
export interface StreamSockets {
  /** Takes the upgrades of a server: those to the socket's path; any other request is served as if it had not asked. */
  attach(server: Server): void;
  /** Lets nobody in any more, and closes every socket with its cursor; resolves when they are gone. */
  drain(): Promise<void>;
}

export function createStreamSockets(
  context: ApiContext,
  httpMetrics: HttpMetrics,
  limits: SocketLimits = SOCKET_LIMITS,
): StreamSockets {
  const { db, config, clock, log, cursors } = context;
  const metrics = createSocketMetrics(httpMetrics.registry);
  const reader = createFeedReader(db, config.DATABASE_URL, log);
  const wss = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: limits.frameBytes,
  });
  const sessions = new Map<string, SocketSession>();
  const requestIds = new WeakMap<IncomingMessage, string>();
  let draining = false;

  wss.on('headers', (headers: string[], request: IncomingMessage) => {
    headers.push(`Request-Id: ${requestIds.get(request) ?? ''}`, `SECAPI-Version: ${API_VERSION}`);
  });
  wss.on('wsClientError', (error: Error, socket: Duplex, request: IncomingMessage) => {
    const message = `The request is no WebSocket handshake: ${error.message}.`;
    refuse(socket, request, new Fault('invalid_request', { message, cause: error }));
  });

  function refuse(socket: Duplex, request: IncomingMessage, fault: Fault): void {
    const requestId = requestIds.get(request) ?? newId('req');
    const traceparent = traceparentOf(request.headers);
    const body = errorBody(fault, { requestId, traceparent, publicUrl: config.PUBLIC_URL });
    metrics.refused(fault.status);
    socket.end(rawErrorAnswer(fault, body));
  }

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const startedAt = performance.now();
    const requestId = requestIdOf(request.headers);
    requestIds.set(request, requestId);
    socket.on('error', () => void socket.destroy());
    let admission: Admission | null = null;
    let fault: Fault | null = null;
    try {
      if (draining) throw goingAway();
      if (!db.isInitialized) throw new Fault('dependency_unavailable', { retryAfterSeconds: 1 });
      const address = callerAddress(request, config.TRUSTED_PROXIES);
      admission = await admitSocket(context, request, address);
      if (draining) throw goingAway();
      const admitted = admission;
      wss.handleUpgrade(request, socket, head, (ws) => open(ws, admitted));
    } catch (error) {
      fault = asFault(error);
      refuse(socket, request, fault);
    }
    if (admission && !sessions.has(admission.ticket.id)) forget(admission.ticket.id);
    note(request, requestId, admission, fault, performance.now() - startedAt);
  }

  function open(ws: WebSocket, admission: Admission): void {
    const { ticket } = admission;
    const connectionId = newId('conn');
    const session = createSession({
      ...{ ws, connectionId, admission, cursors, clock, limits, metrics },
      onRoom: reader.wake,
      onEnd(why) {
        sessions.delete(ticket.id);
        reader.remove(session);
        forget(ticket.id);
        log.info({ connectionId, orgId: ticket.orgId, why }, 'socket closed');
      },
    });
    sessions.set(ticket.id, session);
    reader.add(session);
  }

  /** Gives the organization its room back; where that fails the lease lapses. */
  function forget(ticketId: string): void {
    if (db.isInitialized) closeSockets(db, [ticketId]).catch(() => undefined);
  }

  function note(
    request: IncomingMessage,
    requestId: string,
    admission: Admission | null,
    fault: Fault | null,
    ms: number,
  ): void {
    const status = fault?.status ?? 101;
    httpMetrics.observe(openStreamSocket.name, status, ms);
    const ticket = admission?.ticket;
    const line = { operation: openStreamSocket.name, method: 'GET', path: SOCKET_PATH, status };
    log.info({ ...line, requestId, orgId: ticket?.orgId, code: fault?.code }, 'request');
    if (!ticket) return;
    context.requestLog.note({
      recordedAt: clock.now(),
      requestId,
      orgId: ticket.orgId,
      livemode: ticket.livemode,
      principalId: ticket.principalId,
      authMode: ticket.principalId.startsWith('key_') ? 'api_key' : 'bearer',
      meterClass: 'control_plane',
      method: request.method ?? 'GET',
      path: SOCKET_PATH,
      status,
      latencyMs: Math.round(ms),
    });
  }

  const tending = setInterval(() => {
    for (const session of sessions.values()) session.tend();
  }, TEND_MS);
  const renewing = setInterval(() => {
    if (sessions.size === 0 || !db.isInitialized) return;
    renewSockets(db, [...sessions.keys()], clock.now())
      .then((losses) => losses.forEach((why, id) => sessions.get(id)?.close(why)))
      .catch((error: unknown) => log.warn({ err: error }, 'sockets could not be renewed'));
  }, limits.renewMs);
  tending.unref();
  renewing.unref();

  return {
    attach(server) {
      server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        const isOurs = request.url?.split('?', 1)[0] === SOCKET_PATH;
        const isSocket = request.headers.upgrade?.toLowerCase() === 'websocket';
        if (isOurs && isSocket) void upgrade(request, socket, head);
        else serveAsPlain(server, request, socket, head);
      });
    },
    async drain() {
      draining = true;
      clearInterval(renewing);
      for (const session of sessions.values()) session.close('draining');
      const endsAt = Date.now() + limits.drainMs;
      while (sessions.size > 0 && Date.now() < endsAt) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      clearInterval(tending);
      for (const session of sessions.values()) session.terminate();
      await reader.stop();
    },
  };
}

function goingAway(): Fault {
  return new Fault('dependency_unavailable', {
    message: 'This server is going away.',
    hint: 'Connect again with your cursor; another one answers.',
    retryAfterSeconds: DRAIN_RETRY_SECONDS,
  });
}

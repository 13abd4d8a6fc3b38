import { Counter, Gauge, type Registry } from 'prom-client';

/** Why a socket ended; a label of the metric, and the `reason` in close frames that we send. */
export type SocketEnd =
  | 'client'
  | 'dead'
  | 'draining'
  | 'flood'
  | 'key_revoked'
  | 'protocol'
  | 'server_error'
  | 'slow_consumer'
  | 'stream_deleted';

/** What the API counts of its sockets. */
export interface SocketMetrics {
  opened(): void;
  /** It was decided, by us or the client, that a socket ends. */
  ended(why: SocketEnd): void;
  closed(): void;
  sent(kind: 'record' | 'control'): void;
  refused(status: number): void;
}

export function createSocketMetrics(registry: Registry): SocketMetrics {
  const registers = [registry];
  const open = new Gauge({
    name: 'secapi_stream_sockets_open',
    help: 'WebSockets that are open in this process',
    registers,
  });
  const ended = new Counter({
    name: 'secapi_stream_sockets_closed_total',
    help: 'WebSockets that were closed, by reason',
    labelNames: ['reason'],
    registers,
  });
  const sent = new Counter({
    name: 'secapi_stream_frames_sent_total',
    help: 'Frames sent over WebSockets: records, and what the protocol itself says',
    labelNames: ['kind'],
    registers,
  });
  const refused = new Counter({
    name: 'secapi_stream_sockets_refused_total',
    help: 'WebSockets refused before they opened, by HTTP status',
    labelNames: ['status'],
    registers,
  });
  return {
    opened: () => open.inc(),
    ended: (reason) => ended.inc({ reason }),
    closed: () => open.dec(),
    sent: (kind) => sent.inc({ kind }),
    refused: (status) => refused.inc({ status }),
  };
}

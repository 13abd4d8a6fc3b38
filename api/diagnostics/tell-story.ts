import type { AuditRecord } from '../../entities/audit-record';
import type { LogRecord } from '../../entities/event-log';
import type { RecordedRequest } from '../../entities/request-diagnostics';

/** What happened, in order, in words that need no knowledge of the tables. */
export function tellStory(
  requests: readonly RecordedRequest[],
  log: readonly LogRecord[],
  changes: readonly AuditRecord[],
): { at: string; text: string }[] {
  const lines = [
    ...requests.map((request) => ({ at: request.recordedAt, order: 2, text: ofRequest(request) })),
    ...log.map((record) => ({
      at: record.recordedAt,
      order: record.kind === 'event' ? 0 : 3,
      text: ofRecord(record),
    })),
    ...changes.map((change) => ({ at: change.recordedAt, order: 1, text: ofChange(change) })),
  ];
  return lines
    .sort((a, b) => a.at.getTime() - b.at.getTime() || a.order - b.order)
    .map(({ at, text }) => ({ at: at.toISOString(), text }));
}

function ofRequest({ method, path, status, latencyMs, principalId }: RecordedRequest): string {
  const who = principalId ?? 'somebody';
  return `${who} sent ${method} ${path}; it was answered ${status} after ${latencyMs} ms`;
}

function ofRecord(record: LogRecord): string {
  const { kind, eventType, eventId, destinationUrl, status, ok, error, latencyMs } = record;
  if (kind === 'event') return `the event ${eventType} (${eventId}) was stored`;
  if (kind === 'stream_event')
    return `${eventType} was put into the stream ${record.streamId ?? ''}`;
  const again = record.replayedFrom === null ? '' : ', as a replay asked for by hand';
  if (ok) {
    return `${eventType} arrived at ${destinationUrl}: HTTP ${status} in ${latencyMs} ms${again}`;
  }
  const why = status === null ? (error ?? 'no answer') : `HTTP ${status}`;
  return `an attempt to deliver ${eventType} to ${destinationUrl} failed: ${why.replaceAll('_', ' ')}${again}`;
}

function ofChange({ action, actorType, actorId, targetType, targetId }: AuditRecord): string {
  const who = `${actorType.replaceAll('_', ' ')} ${actorId ?? ''}`.trim();
  return `${who} changed ${targetType.replaceAll('_', ' ')} ${targetId}: ${action}`;
}

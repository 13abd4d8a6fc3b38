import { rawJson, type RawJson } from '../platform/raw-json';
import type { LogKind, LogRecord } from './event-log';

/** What every record of the log has in its JSON form; more follows by kind. */
export interface LogFields {
  readonly kind: LogKind;
  readonly recordedAt: string;
  readonly requestId: string;
  readonly id: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly livemode: boolean;
  /** Of an event: its data as it came. */
  readonly data?: RawJson;
  readonly [more: string]: unknown;
}

/** A record as a JSON object: what it is, when, of which request, and the record itself. */
export function logFields(record: LogRecord, orgId: string): LogFields {
  const { kind, id, requestId, eventId, eventType, livemode } = record;
  const recordedAt = record.recordedAt.toISOString();
  const shared = { kind, recordedAt, requestId, id, orgId, eventId, eventType, livemode };
  switch (kind) {
    case 'event':
      return {
        ...shared,
        object: 'event',
        type: eventType,
        createdAt: recordedAt,
        data: rawJson(record.dataText ?? '{}'),
      };
    case 'webhook_delivery': {
      const { webhookId, deliveryId, destinationUrl, status, ok, error, latencyMs } = record;
      return {
        ...shared,
        object: 'webhook_delivery_attempt',
        createdAt: recordedAt,
        webhookId,
        deliveryId,
        destinationUrl,
        status,
        ok,
        error,
        latencyMs,
        replayedFromDeliveryId: record.replayedFrom,
      };
    }
    case 'stream_event':
      return {
        ...shared,
        object: 'stream_event',
        cursor: id,
        streamId: record.streamId,
        replayable: true,
      };
  }
}

/** The columns of the CSV form, and a record's cells. */
export const LOG_COLUMNS = [
  'kind',
  'recordedAt',
  'requestId',
  'id',
  'eventId',
  'eventType',
  'livemode',
  'webhookId',
  'deliveryId',
  'status',
  'ok',
  'error',
  'latencyMs',
  'streamId',
  'data',
];

export function logCells(record: LogRecord): (string | number | null)[] {
  return [
    record.kind,
    record.recordedAt.toISOString(),
    record.requestId,
    record.id,
    record.eventId,
    record.eventType,
    String(record.livemode),
    record.webhookId,
    record.deliveryId,
    record.status,
    record.ok === null ? null : String(record.ok),
    record.error,
    record.latencyMs,
    record.streamId,
    record.dataText,
  ];
}

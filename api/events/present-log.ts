import { z } from 'zod';
import { LOG_KINDS, type LogRecord } from '../../entities/event-log';
import { logFields } from '../../entities/log-line';
import type { RawJson } from '../../platform/raw-json';
import { timestamp } from '../http/schemas';

/** A line of the log: what it is, when, of which request, and the record itself. */
export const logReply = z.looseObject({
  kind: z.enum(LOG_KINDS),
  recordedAt: timestamp,
  requestId: z.string(),
  id: z.string(),
  eventId: z.string(),
  eventType: z.string(),
  livemode: z.boolean(),
  data: z.custom<RawJson>().meta({ type: 'object' }).optional(),
});

/** A record as callers see it. */
export function presentLog(record: LogRecord, orgId: string): z.input<typeof logReply> {
  return logFields(record, orgId);
}

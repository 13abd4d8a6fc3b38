import { z } from 'zod';
import type { PublishedEvent } from '../../entities/publish-event';
import { rawJson, type RawJson } from '../../platform/raw-json';
import { timestamp } from '../http/schemas';

export const eventReply = z.object({
  object: z.literal('event'),
  id: z.string(),
  type: z.string(),
  createdAt: timestamp,
  livemode: z.boolean(),
  orgId: z.string(),
  requestId: z.string(),
  data: z.custom<RawJson>().meta({ type: 'object' }),
  deliveries: z.int(),
});

/** An event as its producer sees it; `data` is written as it came. */
export function presentEvent(event: PublishedEvent): z.input<typeof eventReply> {
  return {
    object: 'event',
    id: event.id,
    type: event.type,
    createdAt: event.createdAt.toISOString(),
    livemode: event.livemode,
    orgId: event.orgId,
    requestId: event.requestId,
    data: rawJson(event.dataText),
    deliveries: event.deliveries,
  };
}

import { z } from 'zod';
import { STREAM_TRANSPORTS, type StreamHead, type StreamSubscription } from '../../entities/stream';
import { timestamp } from '../http/schemas';

export const streamReply = z.object({
  object: z.literal('stream_subscription'),
  id: z.string(),
  createdAt: timestamp,
  updatedAt: timestamp,
  livemode: z.boolean(),
  orgId: z.string(),
  description: z.string().nullable(),
  eventTypes: z.array(z.string()),
  transport: z.enum(STREAM_TRANSPORTS),
  status: z.enum(['active', 'paused']),
  cursor: z.string().nullable(),
  lastEventAt: timestamp.nullable(),
});

/** A stream with the cursor of its newest record. */
export function presentStream(
  stream: StreamSubscription,
  head: StreamHead | undefined,
): z.input<typeof streamReply> {
  return {
    object: 'stream_subscription',
    id: stream.id,
    createdAt: stream.createdAt.toISOString(),
    updatedAt: stream.updatedAt.toISOString(),
    livemode: stream.livemode,
    orgId: stream.orgId,
    description: stream.description,
    eventTypes: stream.eventTypes,
    transport: stream.transport,
    status: stream.status,
    cursor: head?.cursor ?? null,
    lastEventAt: head?.lastEventAt?.toISOString() ?? null,
  };
}

import { z } from 'zod';
import { findStream, readStream } from '../../entities/stream';
import { BEGINNING } from '../../entities/stream-feed';
import { rawJson, type RawJson } from '../../platform/raw-json';
import { operation } from '../http/operation';
import { cursor, id, limit, text, timestamp } from '../http/schemas';
import { positionAfter } from './feed-cursor';

export const pollStream = operation({
  name: 'pollStreamEvents',
  method: 'get',
  path: '/v1/stream_subscriptions/:streamId/events',
  summary: 'Read a stream after a cursor, in the order of commits, from the beginning without one',
  tag: 'streams',
  scope: 'read:sec',
  transaction: 'none',
  input: z.object({
    streamId: id('strm'),
    cursor,
    type: text(128).optional(),
    limit,
  }),
  reply: z.object({
    object: z.literal('stream_event_page'),
    streamId: z.string(),
    data: z.array(
      z.object({
        object: z.literal('stream_event'),
        id: z.string(),
        cursor: z.string(),
        recordedAt: timestamp,
        requestId: z.string(),
        eventType: z.string(),
        transport: z.string(),
        replayable: z.boolean(),
        eventId: z.string(),
        data: z.custom<RawJson>().meta({ type: 'object' }),
      }),
    ),
    hasMore: z.boolean(),
    nextCursor: z.string().nullable(),
    replayCursor: z.string().nullable(),
  }),
  async handle({ tx, input, caller, context: { cursors } }) {
    const stream = await findStream(tx, caller, input.streamId);
    const { orgId } = caller;
    const feed = { kind: 'stream', orgId, streamId: stream.id } as const;
    const given = input.cursor ?? null;
    const after = given === null ? BEGINNING : await positionAfter(tx, cursors, feed, given);
    const { events, hasMore } = await readStream(tx, stream.id, {
      after,
      type: input.type ?? null,
      limit: input.limit,
    });
    const last = events.at(-1)?.id ?? given;
    return {
      object: 'stream_event_page' as const,
      streamId: stream.id,
      data: events.map((event) => ({
        object: 'stream_event' as const,
        id: event.id,
        cursor: event.id,
        recordedAt: event.recordedAt.toISOString(),
        requestId: event.requestId,
        eventType: event.eventType,
        transport: stream.transport,
        replayable: true,
        eventId: event.eventId,
        data: rawJson(event.dataText),
      })),
      hasMore,
      nextCursor: hasMore ? last : null,
      replayCursor: last,
    };
  },
});

import { z } from 'zod';
import { findStream, streamFacts, streamHeads } from '../../entities/stream';
import { operation } from '../http/operation';
import { id, text } from '../http/schemas';
import { requireEventTypes } from '../webhooks/check-endpoint';
import { presentStream, streamReply } from './present-stream';

export const updateStream = operation({
  name: 'updateStreamSubscription',
  method: 'patch',
  path: '/v1/stream_subscriptions/:streamId',
  summary: 'Change a stream, or pause it: then it takes in nothing, and what it holds can be read',
  tag: 'streams',
  scope: 'write:sec',
  transaction: 'one',
  audits: 'stream_subscription.updated',
  input: z.object({
    streamId: id('strm'),
    description: text(500).nullish(),
    eventTypes: z.array(z.string().max(128)).max(100).nullish(),
    status: z.enum(['active', 'paused']).nullish(),
  }),
  reply: streamReply,
  async handle({ tx, input, caller, now, context, audit }) {
    const types = input.eventTypes
      ? requireEventTypes(input.eventTypes, context.catalog, 'eventTypes')
      : undefined;
    const stream = await findStream(tx, caller, input.streamId, 'pessimistic_write');
    const before = streamFacts(stream);
    stream.description = input.description ?? stream.description;
    stream.eventTypes = types ?? stream.eventTypes;
    stream.status = input.status ?? stream.status;
    stream.updatedAt = now;
    await tx.save(stream);
    audit({
      action: 'stream_subscription.updated',
      target: { type: 'stream_subscription', id: stream.id },
      before,
      after: streamFacts(stream),
    });
    return presentStream(stream, (await streamHeads(tx, [stream.id])).get(stream.id));
  },
});

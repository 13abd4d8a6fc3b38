import { z } from 'zod';
import { findStream, streamFacts } from '../../entities/stream';
import { operation } from '../http/operation';
import { id } from '../http/schemas';
import { presentStream, streamReply } from './present-stream';

export const deleteStream = operation({
  name: 'deleteStreamSubscription',
  method: 'delete',
  path: '/v1/stream_subscriptions/:streamId',
  summary: 'Delete a stream; sockets that read it are closed within seconds',
  tag: 'streams',
  scope: 'write:sec',
  transaction: 'one',
  audits: 'stream_subscription.deleted',
  input: z.object({ streamId: id('strm') }),
  reply: streamReply,
  async handle({ tx, input, caller, now, audit }) {
    const stream = await findStream(tx, caller, input.streamId, 'pessimistic_write');
    const before = streamFacts(stream);
    Object.assign(stream, { status: 'paused', updatedAt: now, deletedAt: now });
    await tx.save(stream);
    audit({
      action: 'stream_subscription.deleted',
      target: { type: 'stream_subscription', id: stream.id },
      before,
    });
    return presentStream(stream, undefined);
  },
});

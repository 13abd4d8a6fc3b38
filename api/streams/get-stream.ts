import { z } from 'zod';
import { findStream, streamHeads } from '../../entities/stream';
import { operation } from '../http/operation';
import { id } from '../http/schemas';
import { presentStream, streamReply } from './present-stream';

export const getStream = operation({
  name: 'getStreamSubscription',
  method: 'get',
  path: '/v1/stream_subscriptions/:streamId',
  summary: 'Show a stream and how far it can be read',
  tag: 'streams',
  scope: 'read:sec',
  transaction: 'none',
  input: z.object({ streamId: id('strm') }),
  reply: streamReply,
  async handle({ tx, input, caller }) {
    const stream = await findStream(tx, caller, input.streamId);
    return presentStream(stream, (await streamHeads(tx, [stream.id])).get(stream.id));
  },
});

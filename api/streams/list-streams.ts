import { z } from 'zod';
import { streamHeads, StreamSubscription } from '../../entities/stream';
import { listRows } from '../http/list-rows';
import { operation } from '../http/operation';
import { cursor, limit, listOf, livemodeFilter } from '../http/schemas';
import { presentStream, streamReply } from './present-stream';

export const listStreams = operation({
  name: 'listStreamSubscriptions',
  method: 'get',
  path: '/v1/stream_subscriptions',
  summary: 'List streams, newest first',
  tag: 'streams',
  scope: 'read:sec',
  transaction: 'none',
  input: z.object({ limit, cursor, livemode: livemodeFilter }),
  reply: listOf(streamReply),
  async handle({ tx, input, caller, context: { cursors } }) {
    const query = tx.getRepository(StreamSubscription).createQueryBuilder('t');
    query.where('t.deleted_at IS NULL');
    const list = 'stream_subscriptions';
    const present = (stream: StreamSubscription): StreamSubscription => stream;
    const page = await listRows(query, { list, caller, cursors, input, present });
    const heads = await streamHeads(
      tx,
      page.data.map(({ id }) => id),
    );
    return {
      ...page,
      data: page.data.map((stream) => presentStream(stream, heads.get(stream.id))),
    };
  },
});

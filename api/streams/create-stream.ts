import { z } from 'zod';
import { emitEvent } from '../../entities/publish-event';
import { STREAM_TRANSPORTS, StreamSubscription } from '../../entities/stream';
import { newId } from '../../platform/ids';
import { operation } from '../http/operation';
import { text } from '../http/schemas';
import { modeFor, requireEventTypes } from '../webhooks/check-endpoint';
import { presentStream, streamReply } from './present-stream';

export const createStream = operation({
  name: 'createStreamSubscription',
  method: 'post',
  path: '/v1/stream_subscriptions',
  summary: 'Add a stream: what happens from now on can be read in order, again and again',
  tag: 'streams',
  scope: 'write:sec',
  transaction: 'one',
  status: 201,
  audits: 'stream_subscription.created',
  input: z.object({
    description: text(500).nullish(),
    eventTypes: z.array(z.string().max(128)).max(100).nullish(),
    transport: z.enum(STREAM_TRANSPORTS).nullish(),
    livemode: z.boolean().nullish(),
  }),
  reply: streamReply,
  async handle({ tx, input, caller, now, requestId, context, audit, afterCommit }) {
    const livemode = modeFor(caller, input.livemode);
    const eventTypes = requireEventTypes(input.eventTypes ?? [], context.catalog, 'eventTypes');
    const { orgId } = caller;
    const stream = tx.create(StreamSubscription, {
      id: newId('strm'),
      orgId,
      livemode,
      description: input.description ?? null,
      eventTypes,
      transport: input.transport ?? 'poll',
      status: 'active',
      createdAt: now,
      updatedAt: now,
      deletedAt: null,
    });
    const { id, transport, description } = stream;
    const after = { transport, eventTypes, description, livemode };
    await emitEvent(tx, {
      orgId,
      livemode,
      type: 'stream_subscription.created',
      data: { streamId: id, ...after },
      requestId,
      now,
      schedule: context.schedule,
    });
    // Stored after the event of its own making, which is not in it.
    await tx.insert(StreamSubscription, stream);
    audit({
      action: 'stream_subscription.created',
      target: { type: 'stream_subscription', id },
      after,
    });
    afterCommit(() => context.wake('delivery'));
    return presentStream(stream, undefined);
  },
});

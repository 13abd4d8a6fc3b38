import { z } from 'zod';
import { Organization } from '../../entities/organization';
import { publishEvent } from '../../entities/publish-event';
import { Fault, invalidInput } from '../../platform/fault';
import { isId } from '../../platform/ids';
import { elementSources, memberSource } from '../../platform/json-source';
import { asFault, errorBody } from '../http/error-body';
import { operation, type HandleArguments } from '../http/operation';
import { text, time } from '../http/schemas';
import { validate } from '../http/validate';
import { modeFor } from '../webhooks/check-endpoint';
import { eventReply, presentEvent } from './present-event';

const MOST_EVENTS = 100;

const newEvent = z.object({
  type: z.string().min(1).max(128),
  data: z.record(z.string(), z.unknown()),
  occurredAt: time.nullish(),
  id: text(255, 1).nullish(),
  orgId: z.string().max(64).nullish(),
  livemode: z.boolean().nullish(),
});
/** Any items: each is checked by itself, so that a bad one doesn't sink the rest. */
const batch = z.object({
  events: z
    .array(z.union([newEvent, z.unknown()]))
    .min(1)
    .max(MOST_EVENTS),
});

const batchReply = z.object({
  object: z.literal('list'),
  data: z.array(z.unknown()),
  hasMore: z.literal(false),
  nextCursor: z.null(),
});

type Arguments = Omit<HandleArguments<unknown, 'none'>, 'input'>;

export const publishEventOperation = operation({
  name: 'publishEvent',
  method: 'post',
  path: '/v1/events',
  summary: 'Publish an event, or up to 100, to every endpoint and stream that listens',
  tag: 'events',
  scope: 'events:publish',
  dataPlane: true,
  transaction: 'none',
  status: 202,
  otherStatuses: [200],
  input: z.union([newEvent, batch]),
  reply: z.union([eventReply, batchReply]),
  async handle({ input, ...args }) {
    if ('events' in input) return publishBatch(args, input.events);
    const dataText = memberSource(args.bodyText, 'data') ?? '{}';
    const event = await publishOne(args, input, dataText);
    if (event.duplicate) args.setStatus(200);
    if (!event.duplicate) wakeReaders(args, event.deliveries);
    return presentEvent(event);
  },
});

/** One notification an event: the readers of sockets hear that of deliveries too. */
function wakeReaders({ afterCommit, context }: Arguments, deliveries: number): void {
  afterCommit(() => context.wake(deliveries > 0 ? 'delivery' : 'stream'));
}

async function publishOne(args: Arguments, input: z.output<typeof newEvent>, dataText: string) {
  const { caller, context, now, requestId, tx } = args;
  if (!context.catalog.isProducible(input.type)) {
    throw invalidInput('type', 'is no event type that producers may publish');
  }
  return publishEvent(tx, {
    orgId: await orgFor(args, input.orgId),
    livemode: modeFor(caller, input.livemode),
    type: input.type,
    dataText,
    requestId,
    now,
    occurredAt: input.occurredAt ? new Date(input.occurredAt) : undefined,
    producerId: input.id ?? undefined,
    schedule: context.schedule,
  });
}

/** The caller's own organization; an operator's key may name another. */
async function orgFor(
  { caller, tx }: Arguments,
  orgId: string | null | undefined,
): Promise<string> {
  if (!orgId || orgId === caller.orgId) return caller.orgId;
  if (!caller.scopes.includes('admin:operator')) {
    throw new Fault('insufficient_scope', {
      message: 'Only an operator key may publish for another organization.',
      details: { required: ['admin:operator'] },
    });
  }
  const exists =
    isId('org', orgId) && (await tx.getRepository(Organization).existsBy({ id: orgId }));
  if (!exists) throw new Fault('not_found');
  return orgId;
}

/** Each event has its own outcome; a failed one is an error object in its place. */
async function publishBatch(
  args: Arguments,
  events: readonly unknown[],
): Promise<z.input<typeof batchReply>> {
  const sources = elementSources(memberSource(args.bodyText, 'events') ?? '[]');
  const data: unknown[] = [];
  let deliveries = 0;
  for (const [i, item] of events.entries()) {
    try {
      const input = validate(newEvent, item);
      const event = await publishOne(args, input, memberSource(sources[i] ?? '{}', 'data') ?? '{}');
      deliveries += event.deliveries;
      data.push(presentEvent(event));
    } catch (error) {
      const fault = asFault(error);
      if (fault.status >= 500) throw error;
      const publicUrl = args.context.config.PUBLIC_URL;
      data.push(errorBody(fault, { requestId: args.requestId, publicUrl }));
    }
  }
  wakeReaders(args, deliveries);
  return { object: 'list', data, hasMore: false, nextCursor: null };
}

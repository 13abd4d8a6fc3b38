import { createHash } from 'node:crypto';
import { Fault } from '../platform/fault';
import { newId } from '../platform/ids';
import { currentTraceparent } from '../platform/trace';
import type { DeliverySchedule } from './delivery-schedule';
import { eventBody } from './event';
import { run, statement, type Executor } from './sql';

export interface NewEvent {
  readonly orgId: string;
  readonly livemode: boolean;
  readonly type: string;
  /** The source text of `data`, a JSON object. */
  readonly dataText: string;
  readonly requestId: string;
  readonly now: Date;
  readonly occurredAt?: Date | undefined;
  /** The producer's own id: the same one stores one event in this organization and mode. */
  readonly producerId?: string | undefined;
  readonly schedule: DeliverySchedule;
  /** Goes to this endpoint and no other (ping). */
  readonly only?: string | undefined;
  /** Goes to every endpoint that listens but this one (events about an endpoint). */
  readonly except?: string | undefined;
}

export interface PublishedEvent {
  readonly id: string;
  readonly type: string;
  readonly createdAt: Date;
  readonly livemode: boolean;
  readonly orgId: string;
  readonly requestId: string;
  readonly dataText: string;
  /** How many endpoints it goes to. */
  readonly deliveries: number;
  /** Whether it was stored before, under the same producer id. */
  readonly duplicate: boolean;
}

/**
 * The event, a delivery for every endpoint that listens, and a record for every stream: one statement. A mirror of the
 * webhooks takes in what goes to an endpoint, and nothing else.
 */
const insertEvent = statement<{ inserted: boolean; deliveries: number }>(
  'publish-event',
  `WITH stored AS (
     INSERT INTO events (id, org_id, livemode, type, body, data_start, request_id, occurred_at, created_at,
       producer_id, content_hash, traceparent)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $17)
     ON CONFLICT (org_id, livemode, producer_id) WHERE producer_id IS NOT NULL DO NOTHING
     RETURNING id),
   fanned_out AS (
     INSERT INTO webhook_deliveries (id, org_id, livemode, endpoint_id, event_id, event_type, request_id,
       schedule, next_at, window_ends_at, created_at)
     SELECT 'wd_' || replace(uuidv7()::text, '-', ''), $2, $3, p.id, stored.id, $4, $7, $12, $9, $13, $9
     FROM stored, webhook_endpoints p
     WHERE p.org_id = $2 AND p.livemode = $3 AND p.status = 'active' AND p.deleted_at IS NULL
       AND (p.subscribed_event_types = '{}' OR p.subscribed_event_types && $14 OR p.id = $15)
       AND ($15::text IS NULL OR p.id = $15) AND ($16::text IS NULL OR p.id <> $16)
     RETURNING 1),
   streamed AS (
     INSERT INTO stream_events (id, org_id, stream_id, event_id, event_type, request_id, recorded_at)
     SELECT 'sevt_' || replace(uuidv7()::text, '-', ''), $2, s.id, stored.id, $4, $7, $9
     FROM stored, stream_subscriptions s
     WHERE s.org_id = $2 AND s.livemode = $3 AND s.status = 'active'
       AND (s.event_types = '{}' OR s.event_types && $14) AND $15::text IS NULL
       AND (s.transport <> 'webhook_mirror' OR EXISTS (SELECT FROM fanned_out)))
   SELECT EXISTS (SELECT FROM stored) AS inserted, (SELECT count(*) FROM fanned_out)::int AS deliveries`,
);

const findByProducerId = statement<{
  id: string;
  type: string;
  created_at: Date;
  request_id: string;
  body: string;
  data_start: number;
  content_hash: Buffer;
  deliveries: number;
}>(
  'find-event-by-producer-id',
  `SELECT id, type, created_at, request_id, body, data_start, content_hash,
     (SELECT count(*) FROM webhook_deliveries d WHERE d.event_id = e.id)::int AS deliveries
   FROM events e WHERE org_id = $1 AND livemode = $2 AND producer_id = $3`,
);

/**
 * Stores an event and everything that follows from it in one statement. A producer id that is known answers the
 * first event; with other content (type, data, a given occurredAt) it throws `conflict`.
 */
export async function publishEvent(executor: Executor, event: NewEvent): Promise<PublishedEvent> {
  const id = newId('evt');
  const { orgId, livemode, type, dataText, requestId, now } = event;
  const occurredAt = event.occurredAt ?? now;
  const { body, dataStart } = eventBody({
    id,
    type,
    orgId,
    livemode,
    requestId,
    createdAt: now,
    occurredAt,
    dataText,
  });
  const contentHash = event.producerId === undefined ? null : hashContent(event);
  const [stored] = await run(executor, insertEvent, [
    id,
    orgId,
    livemode,
    type,
    body,
    dataStart,
    requestId,
    occurredAt,
    now,
    event.producerId ?? null,
    contentHash,
    event.schedule.waitsSeconds,
    new Date(now.getTime() + event.schedule.windowSeconds * 1_000),
    subscriptionPatterns(type),
    event.only ?? null,
    event.except ?? null,
    currentTraceparent(),
  ]);
  if (stored?.inserted) {
    const { deliveries } = stored;
    return {
      id,
      type,
      createdAt: now,
      livemode,
      orgId,
      requestId,
      dataText,
      deliveries,
      duplicate: false,
    };
  }
  return firstOf(executor, event, contentHash);
}

async function firstOf(
  executor: Executor,
  event: NewEvent,
  contentHash: Buffer | null,
): Promise<PublishedEvent> {
  const { orgId, livemode, producerId } = event;
  const [first] = await run(executor, findByProducerId, [orgId, livemode, producerId]);
  if (!first) throw new Error(`event ${producerId ?? ''} was neither stored nor found`);
  if (!contentHash || !first.content_hash.equals(contentHash)) {
    throw new Fault('conflict', {
      message: 'This id was published before with other content.',
      hint: 'Use a new id for a new event, or send the first content again.',
      details: { eventId: first.id },
    });
  }
  return {
    id: first.id,
    type: first.type,
    createdAt: first.created_at,
    livemode,
    orgId,
    requestId: first.request_id,
    dataText: first.body.slice(first.data_start, -1),
    deliveries: first.deliveries,
    duplicate: true,
  };
}

export type SystemEvent = Omit<NewEvent, 'dataText' | 'producerId' | 'occurredAt'> & {
  readonly data: object;
};

/** Publishes an event of our own making, in the transaction of the change it tells of. */
export function emitEvent(tx: Executor, { data, ...event }: SystemEvent): Promise<PublishedEvent> {
  return publishEvent(tx, { ...event, dataText: JSON.stringify(data) });
}

/** Every subscription pattern that takes in an event type: `*`, each `prefix.*`, and the type itself. */
export function subscriptionPatterns(type: string): string[] {
  const parts = type.split('.');
  return ['*', ...parts.slice(1).map((_, i) => `${parts.slice(0, i + 1).join('.')}.*`), type];
}

function hashContent(event: NewEvent): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([event.type, event.occurredAt?.toISOString() ?? null]))
    .update(event.dataText)
    .digest();
}

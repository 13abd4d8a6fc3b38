import { Column, Entity, IsNull, PrimaryColumn } from 'typeorm';
import { Fault } from '../platform/fault';
import { DATA_TEXT, PAGE_BYTES } from './event-log';
import { run, statement, type Executor } from './sql';
import type { FeedPosition } from './stream-feed';

export const STREAM_TRANSPORTS = ['poll', 'webhook_mirror', 'websocket'] as const;

/** A subscription that is read in commit order. */
@Entity('stream_subscriptions')
export class StreamSubscription {
  @PrimaryColumn({ type: 'text' }) id!: string;
  @Column({ name: 'org_id', type: 'text' }) orgId!: string;
  @Column({ type: 'boolean' }) livemode!: boolean;
  @Column({ type: 'text', nullable: true }) description!: string | null;
  @Column({ name: 'event_types', type: 'text', array: true }) eventTypes!: string[];
  @Column({ type: 'text' }) transport!: (typeof STREAM_TRANSPORTS)[number];
  @Column({ type: 'text' }) status!: 'active' | 'paused';
  @Column({ name: 'created_at', type: 'timestamptz' }) createdAt!: Date;
  @Column({ name: 'updated_at', type: 'timestamptz' }) updatedAt!: Date;
  /** A deleted stream takes in nothing more and is not found; its records stay as long as others do. */
  @Column({ name: 'deleted_at', type: 'timestamptz', nullable: true }) deletedAt!: Date | null;
}

/** What the audit trail tells of a stream. */
export function streamFacts(stream: StreamSubscription): Record<string, unknown> {
  const { transport, eventTypes, description, livemode, status } = stream;
  return { transport, eventTypes, description, livemode, status };
}

/** An organization's stream. Throws not_found; to a test key a live one is none. */
export async function findStream(
  db: Executor,
  caller: { readonly orgId: string; readonly livemode: boolean },
  id: string,
  lock?: 'pessimistic_write',
): Promise<StreamSubscription> {
  const stream = await db.getRepository(StreamSubscription).findOne({
    where: { id, orgId: caller.orgId, deletedAt: IsNull() },
    ...(lock ? { lock: { mode: lock } } : {}),
  });
  if (!stream || (stream.livemode && !caller.livemode)) throw new Fault('not_found');
  return stream;
}

/** The last record of a stream that can be read: its cursor and when it came. */
export interface StreamHead {
  readonly cursor: string | null;
  readonly lastEventAt: Date | null;
}

const heads = statement<{ stream_id: string; id: string; recorded_at: Date }>(
  'stream-heads',
  `SELECT s.id AS stream_id, e.id, e.recorded_at FROM unnest($1::text[]) AS s (id)
   CROSS JOIN LATERAL (SELECT id, recorded_at FROM stream_events WHERE stream_id = s.id
       AND xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY xid DESC, id DESC LIMIT 1) e`,
);

/** The heads of streams, by their ids: cursors that no record commits before any more. */
export async function streamHeads(
  db: Executor,
  ids: readonly string[],
): Promise<Map<string, StreamHead>> {
  const rows = await run(db, heads, [[...ids]]);
  return new Map(
    rows.map((row) => [row.stream_id, { cursor: row.id, lastEventAt: row.recorded_at }]),
  );
}

/** One record of a stream. */
export interface StreamEvent {
  readonly id: string;
  readonly recordedAt: Date;
  readonly requestId: string;
  readonly eventType: string;
  readonly eventId: string;
  readonly dataText: string;
}

interface EventRow {
  readonly id: string;
  readonly recorded_at: Date;
  readonly request_id: string;
  readonly event_type: string;
  readonly event_id: string;
  readonly data_text: string;
  readonly has_next: boolean;
}

/** $1 stream, $2 and $3 the position, $4 the limit. Each shape has a plan of its own. */
const pageWhere = (name: string, condition: string) =>
  statement<EventRow>(
    name,
    `SELECT id, recorded_at, request_id, event_type, event_id, has_next, ${DATA_TEXT} FROM (
       SELECT t.*, e.body, e.data_start, lead(t.id) OVER w IS NOT NULL AS has_next,
         sum(octet_length(e.body)) OVER w - octet_length(e.body) AS bytes_before
       FROM (SELECT * FROM stream_events t
         WHERE t.stream_id = $1 AND ${condition} AND (t.xid, t.id) > ($2::xid8, $3::text)
           AND t.xid < pg_snapshot_xmin(pg_current_snapshot())
         ORDER BY t.xid, t.id LIMIT $4::int + 1) t
       JOIN events e ON e.id = t.event_id WINDOW w AS (ORDER BY t.xid, t.id)) page
     WHERE bytes_before < ${PAGE_BYTES} ORDER BY xid, id LIMIT $4`,
  );

const page = pageWhere('stream-page', 'true');
const pageOfType = pageWhere('stream-page-of-type', 't.event_type = $5');

/**
 * Records of a stream after a position, in the order of their commits; nothing that somebody may still commit before is
 * shown yet, so that no cursor ever passes a record. A page is shorter than its limit where its bodies are large.
 */
export async function readStream(
  db: Executor,
  streamId: string,
  options: {
    readonly after: FeedPosition;
    readonly type: string | null;
    readonly limit: number;
  },
): Promise<{ readonly events: StreamEvent[]; readonly hasMore: boolean }> {
  const { after, type, limit } = options;
  const values = [streamId, after.xid, after.id, limit];
  const rows =
    type === null ? await run(db, page, values) : await run(db, pageOfType, [...values, type]);
  const events = rows.map((row) => ({
    id: row.id,
    recordedAt: row.recorded_at,
    requestId: row.request_id,
    eventType: row.event_type,
    eventId: row.event_id,
    dataText: row.data_text,
  }));
  return { events, hasMore: rows.at(-1)?.has_next ?? false };
}

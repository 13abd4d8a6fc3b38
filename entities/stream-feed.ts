import { Fault } from '../platform/fault';
import { run, statement, type Executor } from './sql';

/** What is read in the order of commits: one stream's records, or an organization's events of one mode. */
export type Feed =
  | { readonly kind: 'stream'; readonly orgId: string; readonly streamId: string }
  | { readonly kind: 'events'; readonly orgId: string; readonly livemode: boolean };

/** A place in the order of commits: after the record `id` of transaction `xid`; with id '' before all of that transaction's. */
export interface FeedPosition {
  readonly xid: string;
  readonly id: string;
}

export const BEGINNING: FeedPosition = { xid: '0', id: '' };

export interface FeedRecord {
  readonly xid: string;
  /** Of a stream `sevt_…`, of the events `evt_…`: also the cursor after it. */
  readonly id: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly occurredAt: Date;
  readonly dataText: string;
}

/** Records of one feed, and where to read on. */
export interface FeedPage {
  readonly records: readonly FeedRecord[];
  /** Whether that was all there is; `end` is then beyond everything that is decided so far. */
  readonly complete: boolean;
  readonly end: FeedPosition;
}

export const PAGE_ROWS = 100;
const PAGE_BYTES = 2 ** 20;

interface Row {
  readonly xmin: string;
  readonly busy: boolean;
  readonly n: number | null;
  readonly xid: string;
  readonly id: string;
  readonly event_id: string;
  readonly event_type: string;
  readonly occurred_at: Date;
  readonly data_text: string;
  readonly left_off: boolean;
}

/**
 * Pages of many feeds at once, none beyond what somebody may still commit before, each with about a mebibyte of bodies
 * at most. $1 to $4 or $5: the feeds and their positions, as arrays.
 */
const pages = (name: string, arrays: string, columns: string, source: string, owner: string) =>
  statement<Row>(
    name,
    `SELECT s.xmin, s.xmin < s.xmax AS busy, page.* FROM
       (SELECT pg_snapshot_xmin(s) AS xmin, pg_snapshot_xmax(s) AS xmax FROM pg_current_snapshot() s) s
     LEFT JOIN (
       SELECT f.n::int AS n, e.xid, e.id, e.event_id, e.event_type, e.occurred_at,
         substr(e.body, e.data_start + 1, length(e.body) - e.data_start - 1) AS data_text,
         e.rows = ${PAGE_ROWS} OR e.bytes >= ${PAGE_BYTES} AS left_off
       FROM ${arrays} WITH ORDINALITY AS f (${columns}, xid, id, n)
       CROSS JOIN LATERAL (
         SELECT *, row_number() OVER w AS rows, sum(octet_length(body)) OVER w AS bytes FROM (${source}
           WHERE ${owner} AND (t.xid, t.id) > (f.xid::xid8, f.id)
             AND t.xid < pg_snapshot_xmin(pg_current_snapshot())
           ORDER BY t.xid, t.id LIMIT ${PAGE_ROWS}) t
         WINDOW w AS (ORDER BY t.xid, t.id)) e
       WHERE e.bytes - octet_length(e.body) < ${PAGE_BYTES}) page ON true
     ORDER BY page.n, page.xid, page.id`,
  );

const ofStreams = pages(
  'feed-streams',
  'unnest($1::text[], $2::text[], $3::text[])',
  'stream_id',
  `SELECT t.xid, t.id, t.event_id, t.event_type, e.occurred_at, e.body, e.data_start
   FROM stream_events t JOIN events e ON e.id = t.event_id`,
  't.stream_id = f.stream_id',
);
/** A ping is only for the endpoint that asked for it. */
const ofEvents = pages(
  'feed-events',
  'unnest($1::text[], $2::boolean[], $3::text[], $4::text[])',
  'org_id, livemode',
  `SELECT t.xid, t.id, t.id AS event_id, t.type AS event_type, t.occurred_at, t.body, t.data_start
   FROM events t`,
  `t.org_id = f.org_id AND t.livemode = f.livemode AND t.type <> 'ping'`,
);

export interface FeedRequest<Of extends Feed = Feed> {
  readonly feed: Of;
  readonly after: FeedPosition;
}

/** Pages in the order of the requests, and whether transactions are under way that may hold records back. */
export interface FeedPages {
  readonly pages: readonly FeedPage[];
  readonly busy: boolean;
}

/** Reads many streams at once. */
export async function readStreams(
  db: Executor,
  requests: readonly FeedRequest<Feed & { kind: 'stream' }>[],
): Promise<FeedPages> {
  const ids = requests.map(({ feed }) => feed.streamId);
  return pagesFrom(await run(db, ofStreams, [ids, ...positions(requests)]), requests.length);
}

/** Reads the events of many organizations at once. */
export async function readEvents(
  db: Executor,
  requests: readonly FeedRequest<Feed & { kind: 'events' }>[],
): Promise<FeedPages> {
  const orgIds = requests.map(({ feed }) => feed.orgId);
  const modes = requests.map(({ feed }) => feed.livemode);
  const rows = await run(db, ofEvents, [orgIds, modes, ...positions(requests)]);
  return pagesFrom(rows, requests.length);
}

function positions(requests: readonly FeedRequest[]): [string[], string[]] {
  return [requests.map(({ after }) => after.xid), requests.map(({ after }) => after.id)];
}

function pagesFrom(rows: readonly Row[], count: number): FeedPages {
  const [first] = rows;
  if (!first) throw new Error('reading feeds answers a row at least');
  const byRequest = new Map<number | null, Row[]>();
  for (const row of rows) {
    const others = byRequest.get(row.n);
    if (others) others.push(row);
    else byRequest.set(row.n, [row]);
  }
  const whole: FeedPosition = { xid: first.xmin, id: '' };
  const pages = Array.from({ length: count }, (_, i): FeedPage => {
    const records = byRequest.get(i + 1) ?? [];
    const last = records.at(-1);
    const complete = !last?.left_off;
    const end = last && !complete ? { xid: last.xid, id: last.id } : whole;
    return { records: records.map(recordOf), complete, end };
  });
  return { pages, busy: first.busy };
}

function recordOf(row: Row): FeedRecord {
  return {
    xid: row.xid,
    id: row.id,
    eventId: row.event_id,
    eventType: row.event_type,
    occurredAt: row.occurred_at,
    dataText: row.data_text,
  };
}

const ofStreamRecord = statement<{ xid: string }>(
  'stream-position',
  `SELECT xid FROM stream_events WHERE id = $1 AND stream_id = $2`,
);
const ofEvent = statement<{ xid: string }>(
  'event-position',
  `SELECT xid FROM events WHERE id = $1 AND org_id = $2 AND livemode = $3 AND type <> 'ping'`,
);

/** The position after a record of the feed. Throws invalid_cursor for one that is not, or no longer, in it. */
export async function positionOf(db: Executor, feed: Feed, id: string): Promise<FeedPosition> {
  const [found] =
    feed.kind === 'stream'
      ? await run(db, ofStreamRecord, [id, feed.streamId])
      : await run(db, ofEvent, [id, feed.orgId, feed.livemode]);
  if (!found) throw new Fault('invalid_cursor');
  return { xid: found.xid, id };
}

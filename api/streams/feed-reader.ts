import type { DataSource } from 'typeorm';
import { listen } from '../../entities/listen';
import {
  readEvents,
  readStreams,
  type Feed,
  type FeedPage,
  type FeedPages,
  type FeedPosition,
  type FeedRequest,
} from '../../entities/stream-feed';
import type { Log } from '../../platform/log';
import { createLoop } from '../../platform/loop';

const POLL_MS = 250;
const FIRST_RETRY_MS = 4;
const FEEDS_AT_ONCE = 100;

/** Somebody who reads a feed in order. */
export interface FeedClient {
  readonly feed: Feed;
  position(): FeedPosition;
  /** Whether there is room for more. */
  wantsMore(): boolean;
  /** Takes the page after its position as far as there is room, and moves its position on by what it took. */
  offer(page: FeedPage): void;
}

/** Reads for all clients of a process together: who stand at the same place of the same feed share one page. */
export interface FeedReader {
  add(client: FeedClient): void;
  remove(client: FeedClient): void;
  wake(): void;
  stop(): Promise<void>;
}

/**
 * A reader that is woken by the notifications of publishers, and looks by itself four times a second, from its
 * first client on. What an open transaction may still come before is looked for again at growing gaps.
 */
export function createFeedReader(db: DataSource, databaseUrl: string, log: Log): FeedReader {
  const clients = new Set<FeedClient>();
  let listening: { stop(): Promise<void> } | null = null;
  let retryMs = FIRST_RETRY_MS;
  let retry: NodeJS.Timeout | undefined;
  const loop = createLoop({ name: 'feed reader', log, pollMs: POLL_MS, turn });

  async function turn(): Promise<boolean> {
    const groups = groupsOf(clients);
    let unfinished = false;
    let busy = false;
    for (let i = 0; i < groups.length; i += FEEDS_AT_ONCE) {
      const some = groups.slice(i, i + FEEDS_AT_ONCE);
      const answer = await readPages(db, some);
      busy ||= answer.busy;
      for (const { members, page } of answer.read) {
        for (const client of members) if (clients.has(client)) client.offer(page);
        unfinished ||= !page.complete;
      }
    }
    clearTimeout(retry);
    if (busy && retryMs < POLL_MS) {
      retry = setTimeout(loop.wake, retryMs);
      retryMs *= 2;
    }
    return unfinished && [...clients].some((client) => client.wantsMore());
  }

  function wake(): void {
    retryMs = FIRST_RETRY_MS;
    if (clients.size > 0) loop.wake();
  }

  return {
    add(client) {
      clients.add(client);
      if (listening) return wake();
      listening = listen(databaseUrl, { secapi_delivery: wake, secapi_stream: wake }, log);
      return loop.start();
    },
    remove: (client) => void clients.delete(client),
    wake,
    async stop() {
      clearTimeout(retry);
      await loop.stop();
      await listening?.stop();
    },
  };
}

interface Group extends FeedRequest {
  readonly members: FeedClient[];
}

/** The clients that have room, by where they stand. */
function groupsOf(clients: Iterable<FeedClient>): Group[] {
  const groups = new Map<string, Group>();
  for (const client of clients) {
    if (!client.wantsMore()) continue;
    const { feed } = client;
    const after = client.position();
    const name = feed.kind === 'stream' ? feed.streamId : `${feed.orgId} ${feed.livemode}`;
    const key = `${name} ${after.xid} ${after.id}`;
    const group = groups.get(key);
    if (group) group.members.push(client);
    else groups.set(key, { feed, after, members: [client] });
  }
  return [...groups.values()];
}

/** One page for each group, read with at most two statements. */
async function readPages(
  db: DataSource,
  groups: readonly Group[],
): Promise<{ busy: boolean; read: { members: readonly FeedClient[]; page: FeedPage }[] }> {
  const ofStreams = groups.filter(isOf('stream'));
  const ofEvents = groups.filter(isOf('events'));
  const none: FeedPages = { pages: [], busy: false };
  const streams = ofStreams.length > 0 ? await readStreams(db, ofStreams) : none;
  const events = ofEvents.length > 0 ? await readEvents(db, ofEvents) : none;
  const pages = [...streams.pages, ...events.pages];
  return {
    busy: streams.busy || events.busy,
    read: [...ofStreams, ...ofEvents].flatMap(({ members }, i) => {
      const page = pages[i];
      return page ? [{ members, page }] : [];
    }),
  };
}

function isOf<Kind extends Feed['kind']>(kind: Kind) {
  return (group: Group): group is Group & FeedRequest<Feed & { kind: Kind }> =>
    group.feed.kind === kind;
}

import type { Executor } from '../../entities/sql';
import { positionOf, type Feed, type FeedPosition } from '../../entities/stream-feed';
import { isId } from '../../platform/ids';
import type { Cursors } from '../http/cursor';

/**
 * The cursor of a position: the id of the record before it, or, between transactions, one that is sealed to the feed.
 * Both fit into the reason of a close frame.
 */
export function cursorAt(cursors: Cursors, feed: Feed, { xid, id }: FeedPosition): string {
  return id === '' ? cursors.encode(nameOf(feed), feed.orgId, xid) : id;
}

/** The position after a cursor. Throws invalid_cursor for one that this feed didn't give, or whose record is no longer kept. */
export async function positionAfter(
  db: Executor,
  cursors: Cursors,
  feed: Feed,
  cursor: string,
): Promise<FeedPosition> {
  if (isId(feed.kind === 'stream' ? 'sevt' : 'evt', cursor)) return positionOf(db, feed, cursor);
  return { xid: cursors.decode(nameOf(feed), feed.orgId, cursor), id: '' };
}

function nameOf(feed: Feed): string {
  return feed.kind === 'stream' ? feed.streamId : `events of mode ${feed.livemode}`;
}

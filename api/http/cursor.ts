import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { Fault } from '../../platform/fault';

const MAC_BYTES = 12;

/** Makes and reads the opaque cursors of lists. */
export interface Cursors {
  /** Where the next page of a list begins: after the row with this position. */
  encode(list: string, orgId: string, after: string): string;
  /** Throws invalid_cursor for anything that this list of this organization did not give. */
  decode(list: string, orgId: string, cursor: string): string;
}

/**
 * Cursors authenticated with a key derived from SECRETS_KEY and bound to the list and the organization. The first key
 * makes them; those of the others are read on.
 */
export function createCursors(secrets: readonly Buffer[]): Cursors {
  const keys = secrets.map((secret) =>
    Buffer.from(hkdfSync('sha256', secret, '', 'secapi cursors', 32)),
  );
  const [first] = keys;
  if (!first) throw new Error('SECRETS_KEY lists no key');
  const macOf = (key: Buffer, list: string, orgId: string, after: string): Buffer =>
    createHmac('sha256', key)
      .update(JSON.stringify([list, orgId, after]))
      .digest()
      .subarray(0, MAC_BYTES);
  return {
    encode: (list, orgId, after) =>
      Buffer.concat([macOf(first, list, orgId, after), Buffer.from(after)]).toString('base64url'),
    decode(list, orgId, cursor) {
      const bytes = Buffer.from(cursor, 'base64url');
      const after = bytes.subarray(MAC_BYTES).toString();
      const genuine =
        bytes.length > MAC_BYTES &&
        bytes.toString('base64url') === cursor &&
        keys.some((key) =>
          timingSafeEqual(bytes.subarray(0, MAC_BYTES), macOf(key, list, orgId, after)),
        );
      if (!genuine) throw new Fault('invalid_cursor');
      return after;
    },
  };
}

interface ListPage<Item> {
  object: 'list';
  data: Item[];
  hasMore: boolean;
  nextCursor: string | null;
}

/** One page of a list from up to `limit + 1` rows: the row too many only says that there is more. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  limit: number,
  present: (row: Row) => Item,
  cursorAfter: (row: Row) => string,
): ListPage<Item> {
  return listPage(rows.slice(0, limit), rows.length > limit, present, cursorAfter);
}

/** One page of a list from its rows and whether there are more. */
export function listPage<Row, Item>(
  rows: readonly Row[],
  hasMore: boolean,
  present: (row: Row) => Item,
  cursorAfter: (row: Row) => string,
): ListPage<Item> {
  const last = rows.at(-1);
  return {
    object: 'list',
    data: rows.map(present),
    hasMore,
    nextCursor: hasMore && last !== undefined ? cursorAfter(last) : null,
  };
}

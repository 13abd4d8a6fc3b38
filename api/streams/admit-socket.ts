import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { takeSnapshot, type CommitSnapshot } from '../../entities/commit-snapshot';
import { findStream } from '../../entities/stream';
import type { Feed, FeedPosition } from '../../entities/stream-feed';
import { openSocket } from '../../entities/stream-socket';
import { findTicket, type StreamTicket } from '../../entities/stream-ticket';
import { Fault } from '../../platform/fault';
import { isAllowedAddress } from '../http/caller-address';
import { limitFailures } from '../http/limit-requests';
import type { ApiContext } from '../http/operation';
import { id } from '../http/schemas';
import { validate } from '../http/validate';
import { requireEventTypes } from '../webhooks/check-endpoint';
import { positionAfter } from './feed-cursor';
import { filterList } from './inbound-frames';
import { requireTicket } from './open-socket';
import type { FilingFilters } from './socket-frames';

/** What a socket may read, from where, and what of it it wants. */
export interface Admission {
  readonly ticket: StreamTicket;
  readonly feed: Feed;
  readonly start: FeedPosition;
  /** The moment the socket was let in: what was committed by then is told as replayed, or left out where no cursor was given. */
  readonly snapshot: CommitSnapshot;
  readonly resumes: boolean;
  readonly filters: FilingFilters;
  readonly types: readonly string[];
}

const wishes = z.object({
  cursor: z.string().max(512).optional(),
  forms: filterList.default([]),
  tickers: filterList.default([]),
  types: filterList.default([]),
  streamId: id('strm').optional(),
});

/**
 * Lets a socket in, and uses its ticket up as the last thing. Throws what is answered instead of the upgrade:
 * missing_api_key, authentication_failed, insufficient_scope, invalid_request, not_found, invalid_cursor, rate_limited.
 */
export async function admitSocket(
  context: ApiContext,
  request: IncomingMessage,
  address: string,
): Promise<Admission> {
  const { db, clock, cursors, catalog, config } = context;
  const query = new URLSearchParams(request.url?.split('?').slice(1).join('?'));
  const token = requireTicket(query.get('ticket'));
  const wanted = validate(wishes, wishesOf(query));
  const ticket = await knownTicket(context, token, address);
  const { orgId, livemode } = ticket;
  const { streamId } = wanted;
  const types = requireEventTypes(wanted.types, catalog, 'types');
  if (streamId !== undefined) await findStream(db, ticket, streamId);
  const feed: Feed = streamId
    ? { kind: 'stream', orgId, streamId }
    : { kind: 'events', orgId, livemode };
  const cursor = wanted.cursor || undefined;
  const after = cursor === undefined ? null : await positionAfter(db, cursors, feed, cursor);
  await db.transaction((tx) =>
    openSocket(tx, ticket, {
      streamId: streamId ?? null,
      most: config.STREAM_SOCKETS_PER_ORGANIZATION,
      now: clock.now(),
    }),
  );
  const snapshot = await takeSnapshot(db);
  return {
    ticket,
    feed,
    start: after ?? { xid: snapshot.xmin, id: '' },
    snapshot,
    resumes: after !== null,
    filters: { forms: wanted.forms, tickers: wanted.tickers },
    types,
  };
}

/** Lists may be repeated or have commas; of anything else that is repeated the last one counts. */
function wishesOf(query: URLSearchParams): Record<string, string | undefined> {
  const last = (name: string): string | undefined => query.getAll(name).at(-1);
  const list = (name: string): string | undefined =>
    query.has(name) ? query.getAll(name).join(',') : undefined;
  return {
    cursor: last('cursor'),
    streamId: last('streamId') || undefined,
    forms: list('forms'),
    tickers: list('tickers'),
    types: list('types'),
  };
}

async function knownTicket(
  context: ApiContext,
  token: string,
  address: string,
): Promise<StreamTicket> {
  let ticket: StreamTicket;
  try {
    ticket = await findTicket(context.db, token, context.clock.now());
  } catch (error) {
    if (error instanceof Fault && error.status === 401) await limitFailures(context, address);
    throw error;
  }
  if (!isAllowedAddress(address, ticket.ipAllowlist)) {
    throw new Fault('insufficient_scope', {
      message: `The ticket’s key may not be used from ${address}.`,
      hint: 'Connect from an address in the key’s ipAllowlist.',
      details: { required: [], address },
    });
  }
  return ticket;
}

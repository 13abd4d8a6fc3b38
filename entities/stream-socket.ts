import type { EntityManager } from 'typeorm';
import { Fault } from '../platform/fault';
import { run, statement, type Executor } from './sql';
import { PRINCIPAL_STANDS, ticketRefused, type StreamTicket } from './stream-ticket';

/** How long a socket counts as open after its process was last heard of. */
export const SOCKET_LEASE_MS = 15_000;
const RETRY_SECONDS = 15;

const lockOrganization = statement<{ locked: string }>(
  'lock-stream-sockets',
  `SELECT pg_advisory_xact_lock(hashtextextended('stream sockets ' || $1, 0))::text AS locked`,
);

const countOpen = statement<{ open: number }>(
  'count-stream-sockets',
  `SELECT count(*)::int AS open FROM stream_tickets WHERE org_id = $1 AND open_until > $2`,
);

const take = statement<{ id: string }>(
  'use-stream-ticket',
  `UPDATE stream_tickets SET used_at = $2, open_until = $3, stream_id = $4
   WHERE id = $1 AND used_at IS NULL AND expires_at > $2 RETURNING id`,
);

/**
 * Uses a ticket up and counts its socket as open from now on: once, also when many try at the same moment, and never
 * more than `most` of an organization at once, over all processes. Throws authentication_failed, or rate_limited (then
 * the ticket can still be used).
 */
export async function openSocket(
  tx: EntityManager,
  ticket: StreamTicket,
  options: { readonly streamId: string | null; readonly most: number; readonly now: Date },
): Promise<void> {
  const { streamId, most, now } = options;
  await run(tx, lockOrganization, [ticket.orgId]);
  if ((await countSockets(tx, ticket.orgId, now)) >= most) {
    throw new Fault('rate_limited', {
      message: `This organization has ${most} sockets open, as many as it may.`,
      hint: 'Close one that is no longer needed, or read several types over one socket.',
      details: { limit: most },
      retryAfterSeconds: RETRY_SECONDS,
    });
  }
  const [used] = await run(tx, take, [ticket.id, now, leaseFrom(now), streamId]);
  if (!used) throw ticketRefused();
}

/** How many sockets of an organization are open, over all processes. */
export async function countSockets(db: Executor, orgId: string, now: Date): Promise<number> {
  const [row] = await run(db, countOpen, [orgId, now]);
  return row?.open ?? 0;
}

const renew = statement<{ id: string; principal_stands: boolean; stream_stands: boolean }>(
  'renew-stream-sockets',
  `UPDATE stream_tickets t SET open_until = CASE WHEN t.open_until IS NOT NULL THEN $3::timestamptz END
   WHERE t.id = ANY($1::text[])
   RETURNING t.id, ${PRINCIPAL_STANDS} AS principal_stands,
     (t.stream_id IS NULL OR EXISTS (SELECT FROM stream_subscriptions s
       WHERE s.id = t.stream_id AND s.deleted_at IS NULL)) AS stream_stands`,
);

export type SocketLoss = 'key_revoked' | 'stream_deleted';

/** Says that sockets are still open; one that was closed meanwhile stays so. Answers those that may not be any longer, by their ticket's id, and why. */
export async function renewSockets(
  db: Executor,
  ticketIds: readonly string[],
  now: Date,
): Promise<Map<string, SocketLoss>> {
  const rows = await run(db, renew, [[...ticketIds], now, leaseFrom(now)]);
  return new Map(
    rows
      .filter((row) => !row.principal_stands || !row.stream_stands)
      .map((row) => [row.id, row.principal_stands ? 'stream_deleted' : 'key_revoked']),
  );
}

const close = statement<Record<string, never>>(
  'close-stream-sockets',
  `UPDATE stream_tickets SET open_until = NULL WHERE id = ANY($1::text[])`,
);

/** Counts sockets as closed, for good. */
export async function closeSockets(db: Executor, ticketIds: readonly string[]): Promise<void> {
  await run(db, close, [[...ticketIds]]);
}

const leaseFrom = (now: Date): Date => new Date(now.getTime() + SOCKET_LEASE_MS);

import { z } from 'zod';
import { findTicket } from '../../entities/stream-ticket';
import { Fault } from '../../platform/fault';
import { operation } from '../http/operation';

export const SOCKET_PATH = '/v1/stream/ws';

/** Throws missing_api_key where a socket is asked for without a ticket. */
export function requireTicket(ticket: string | null | undefined): string {
  if (ticket) return ticket;
  throw new Fault('missing_api_key', {
    message: 'The request carries no ticket.',
    hint: 'Get one with POST /v1/stream/tickets and send it as ?ticket=.',
  });
}

/** What is left of the upgrade for plain requests, and what the documentation is made of; sockets open in admit-socket.ts. */
export const openStreamSocket = operation({
  name: 'openStreamSocket',
  method: 'get',
  path: SOCKET_PATH,
  summary:
    'Open a WebSocket with a ticket: events, or one stream’s records, in the order of commits',
  tag: 'streams',
  scope: 'public',
  transaction: 'none',
  status: 101,
  otherFailures: [401, 403],
  input: z.object({
    ticket: z.string().max(200).optional(),
    cursor: z.string().max(512).optional(),
    forms: z.string().max(4_096).optional(),
    tickers: z.string().max(4_096).optional(),
    streamId: z.string().max(64).optional(),
    types: z.string().max(4_096).optional(),
  }),
  reply: z.object({}),
  async handle({ tx, input, now }) {
    await findTicket(tx, requireTicket(input.ticket), now);
    throw new Fault('invalid_request', {
      message: 'This path speaks WebSocket alone.',
      hint: 'Connect with a WebSocket client; the ticket has not been used.',
    });
  },
});

import { z } from 'zod';
import { issueTicket } from '../../entities/stream-ticket';
import { operation } from '../http/operation';
import { timestamp } from '../http/schemas';

export const createStreamTicket = operation({
  name: 'createStreamTicket',
  method: 'post',
  path: '/v1/stream/tickets',
  summary: 'Get a ticket that opens one WebSocket within 60 seconds, in the mode of the key',
  tag: 'streams',
  scope: 'read:sec',
  transaction: 'none',
  status: 201,
  input: z.object({}),
  reply: z.object({
    object: z.literal('stream_ticket'),
    token: z.string(),
    ticketId: z.string(),
    issuedAt: timestamp,
    expiresAt: timestamp,
  }),
  async handle({ tx, caller, now }) {
    const { id, token, expiresAt } = await issueTicket(tx, caller, now);
    return {
      object: 'stream_ticket' as const,
      token,
      ticketId: id,
      issuedAt: now.toISOString(),
      expiresAt: expiresAt.toISOString(),
    };
  },
});

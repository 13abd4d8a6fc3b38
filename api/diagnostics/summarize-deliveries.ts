import { z } from 'zod';
import { summarizeDeliveries } from '../../entities/delivery-summary';
import { hoursAgo } from '../../platform/clock';
import { operation } from '../http/operation';
import { limit, pastMoment, timestamp } from '../http/schemas';

const DEFAULT_HOURS = 30 * 24;

export const deliverySummaryReply = z.object({
  object: z.literal('delivery_summary'),
  orgId: z.string(),
  webhookRows: z.array(
    z.object({
      webhookId: z.string(),
      eventType: z.string(),
      status: z.int().nullable(),
      okCount: z.int(),
      errorCount: z.int(),
      replayCount: z.int(),
      count: z.int(),
      lastSeenAt: timestamp,
    }),
  ),
  streamRows: z.array(
    z.object({
      streamId: z.string(),
      eventType: z.string(),
      transport: z.string(),
      count: z.int(),
      replayableCount: z.int(),
      lastSeenAt: timestamp,
    }),
  ),
});

export const getDeliverySummary = operation({
  name: 'getDeliverySummary',
  method: 'get',
  path: '/v1/diagnostics/deliveries/summary',
  summary: 'Count attempts by endpoint, event type and status; of the last 30 days unless said',
  tag: 'diagnostics',
  scope: 'read:sec',
  transaction: 'none',
  input: z.object({ since: pastMoment, limit }),
  reply: deliverySummaryReply,
  async handle({ tx, input, caller, now }) {
    const since = input.since ?? hoursAgo(now, DEFAULT_HOURS);
    const rows = await summarizeDeliveries(tx, caller.orgId, !caller.livemode, since, input.limit);
    return {
      object: 'delivery_summary' as const,
      orgId: caller.orgId,
      webhookRows: rows.map((row) => ({ ...row, lastSeenAt: row.lastSeenAt.toISOString() })),
      streamRows: [],
    };
  },
});

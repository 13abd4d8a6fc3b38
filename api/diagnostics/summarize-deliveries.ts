import { z } from 'zod';
import { summarizeDeliveries } from '../../entities/delivery-summary';
import type { Executor } from '../../entities/sql';
import { summarizeStreams } from '../../entities/stream-summary';
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
  summary:
    'Count attempts by endpoint, type and status, and stream records; of the last 30 days unless said',
  tag: 'diagnostics',
  scope: 'read:sec',
  transaction: 'none',
  input: z.object({ since: pastMoment, limit }),
  reply: deliverySummaryReply,
  handle: ({ tx, input, caller, now }) =>
    presentDeliverySummary(tx, { orgId: caller.orgId, testOnly: !caller.livemode }, input, now),
});

interface Owner {
  readonly orgId: string;
  /** A test key sees test records alone. */
  readonly testOnly: boolean;
}

/** An organization's attempts and stream records, counted since a time or over the last 30 days. */
export async function presentDeliverySummary(
  db: Executor,
  owner: Owner,
  asked: { readonly since?: Date | undefined; readonly limit: number },
  now: Date,
): Promise<z.input<typeof deliverySummaryReply>> {
  const { orgId, testOnly } = owner;
  const since = asked.since ?? monthBefore(now);
  const rows = await summarizeDeliveries(db, orgId, testOnly, since, asked.limit);
  return {
    object: 'delivery_summary' as const,
    orgId,
    webhookRows: rows.map((row) => ({ ...row, lastSeenAt: row.lastSeenAt.toISOString() })),
    streamRows: await presentStreamRows(db, owner, since, asked.limit),
  };
}

/** An organization's stream records, counted since a time. */
export async function presentStreamRows(
  db: Executor,
  { orgId, testOnly }: Owner,
  since: Date,
  limit: number,
): Promise<z.input<typeof deliverySummaryReply>['streamRows']> {
  const rows = await summarizeStreams(db, orgId, testOnly, since, limit);
  return rows.map((row) => ({ ...row, lastSeenAt: row.lastSeenAt.toISOString() }));
}

export function monthBefore(now: Date): Date {
  return hoursAgo(now, DEFAULT_HOURS);
}

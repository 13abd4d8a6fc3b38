import { z } from 'zod';
import { groupUsage, USAGE_GROUPS, usageMeters } from '../../entities/usage-report';
import { invoicePeriod } from '../../platform/clock';
import { csv, CSV_TYPE } from '../../platform/csv';
import { centsFromMicros, usdFromMicros } from '../../platform/money';
import { operation, RawAnswer } from '../http/operation';
import { timestamp } from '../http/schemas';

export const usageReply = z.object({
  object: z.literal('usage_summary'),
  orgId: z.string(),
  recordedAt: timestamp,
  invoicePeriod: z.string(),
  totalRequests: z.int(),
  meters: z.array(
    z.object({
      meterClass: z.string(),
      count: z.int(),
      successCount: z.int(),
      errorCount: z.int(),
      avgLatencyMs: z.number(),
      lastSeenAt: timestamp.nullable(),
    }),
  ),
  groupBy: z.enum(USAGE_GROUPS).optional(),
  groups: z
    .array(
      z.object({
        group: z.string(),
        units: z.int(),
        count: z.int(),
        amountUsd: z.number(),
        amountCents: z.int(),
      }),
    )
    .optional(),
});

const METER_COLUMNS = [
  'meterClass',
  'count',
  'successCount',
  'errorCount',
  'avgLatencyMs',
  'lastSeenAt',
];
const GROUP_COLUMNS = ['units', 'count', 'amountUsd', 'amountCents'];

export const getUsage = operation({
  name: 'getUsage',
  method: 'get',
  path: '/v1/usage',
  summary: 'Show a month’s requests by meter class; grouped, its charged usage; as CSV by Accept',
  tag: 'usage',
  scope: ['billing:read', 'read:sec'],
  transaction: 'none',
  input: z.object({
    groupBy: z.enum(USAGE_GROUPS).optional(),
    period: z
      .string()
      .regex(/^\d{4}-(0[1-9]|1[0-2])$/, 'must be a month, YYYY-MM')
      .optional(),
  }),
  reply: usageReply,
  forms: [CSV_TYPE],
  async handle({ tx, input, caller, now, headers }) {
    const period = input.period ?? invoicePeriod(now);
    const { orgId } = caller;
    const meters = (await usageMeters(tx, caller, period)).map((meter) => ({
      ...meter,
      lastSeenAt: meter.lastSeenAt?.toISOString() ?? null,
    }));
    const { groupBy } = input;
    const groups = groupBy
      ? (await groupUsage(tx, caller, period, groupBy)).map(({ amountMicros, ...row }) => ({
          ...row,
          amountUsd: usdFromMicros(amountMicros),
          amountCents: centsFromMicros(amountMicros),
        }))
      : null;
    if (wantsCsv(headers.accept)) {
      const text = groups
        ? csv(
            [groupBy ?? '', ...GROUP_COLUMNS],
            groups.map((row) => [row.group, row.units, row.count, row.amountUsd, row.amountCents]),
          )
        : csv(
            METER_COLUMNS,
            meters.map((m) => [
              m.meterClass,
              m.count,
              m.successCount,
              m.errorCount,
              m.avgLatencyMs,
              m.lastSeenAt,
            ]),
          );
      return new RawAnswer(CSV_TYPE, text);
    }
    return {
      object: 'usage_summary' as const,
      orgId,
      recordedAt: now.toISOString(),
      invoicePeriod: period,
      totalRequests: meters.reduce((sum, { count }) => sum + count, 0),
      meters,
      ...(groupBy && groups ? { groupBy, groups } : {}),
    };
  },
});

/** Whether the caller wants CSV rather than JSON. */
function wantsCsv(accept: string | undefined): boolean {
  return accept !== undefined && /\btext\/csv\b/i.test(accept);
}

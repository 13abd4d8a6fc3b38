import { z } from 'zod';
import { FOREVER } from '../../entities/delivery-outcomes';
import { slaFigures } from '../../entities/sla-report';
import { hoursAgo } from '../../platform/clock';
import { invalidInput } from '../../platform/fault';
import { operation } from '../http/operation';
import { pastMoment } from '../http/schemas';

const PROMISED = 0.999;
const DEFAULT_HOURS = 30 * 24;

export const reportSla = operation({
  name: 'reportSla',
  method: 'get',
  path: '/v1/diagnostics/sla',
  summary:
    'Compute how the delivery promise was kept: promised, kept, and what is excluded and why',
  tag: 'diagnostics',
  scope: 'read:sec',
  transaction: 'none',
  input: z.object({ since: pastMoment, until: pastMoment }),
  reply: z.object({
    object: z.literal('sla_report'),
    promised: z.number(),
    kept: z.number(),
    deliveries: z.int(),
    delivered: z.int(),
    excluded: z.array(z.object({ reason: z.string(), count: z.int() })),
    firstAttempt: z.object({
      p50Ms: z.int().nullable(),
      p95Ms: z.int().nullable(),
      p99Ms: z.int().nullable(),
      underFiveSeconds: z.number(),
    }),
  }),
  async handle({ tx, input, caller, now }) {
    const until = input.until ?? FOREVER;
    const since = input.since ?? hoursAgo(input.until ?? now, DEFAULT_HOURS);
    if (since > until) throw invalidInput('since', 'must not lie after until');
    const { excluded, ...figures } = await slaFigures(
      tx,
      caller.orgId,
      !caller.livemode,
      since,
      until,
    );
    return {
      object: 'sla_report' as const,
      promised: PROMISED,
      ...figures,
      excluded: [...excluded],
    };
  },
});

import { z } from 'zod';
import { priceUsage } from '../../entities/price-usage';
import { recordUsageEvent } from '../../entities/usage-event';
import { DAY_MS, invoicePeriod, MINUTE_MS } from '../../platform/clock';
import { Fault, invalidInput } from '../../platform/fault';
import { operation, type ApiContext } from '../http/operation';
import { text, time } from '../http/schemas';
import { validate } from '../http/validate';
import { usageOwner, type UsageOwner } from './usage-owner';

const LATE_DAYS = 35;
const AHEAD_MS = 5 * MINUTE_MS;
const MOST_UNITS = 1_000_000_000;

const usageEvent = z.object({
  id: text(255, 1),
  meterClass: z.string().max(64),
  units: z.int().min(-MOST_UNITS).max(MOST_UNITS),
  occurredAt: time,
  requestId: text(64).nullish(),
  corrects: text(255, 1).nullish(),
});

export const reportUsage = operation({
  name: 'reportUsage',
  method: 'post',
  path: '/v1/usage/events',
  summary:
    'Report work that was done: deduplicated by id, late or corrected, into the month it belongs to',
  tag: 'usage',
  scope: ['usage:write', 'admin:operator'],
  dataPlane: true,
  transaction: 'one',
  status: 202,
  input: z.object({
    events: z
      .array(z.union([usageEvent, z.unknown()]))
      .min(1)
      .max(1_000),
    orgId: z.string().max(64).nullish(),
    apiKey: z.string().max(200).nullish(),
  }),
  reply: z.object({
    object: z.literal('usage_events_result'),
    accepted: z.int(),
    duplicates: z.int(),
    rejected: z.array(z.object({ index: z.int(), code: z.string(), message: z.string() })),
  }),
  async handle({ tx, input, caller, context, now }) {
    const owner = await usageOwner(context, caller, input);
    const events = input.events.map((given, i) => readEvent(context, owner, given, i, now));
    let accepted = 0;
    let duplicates = 0;
    const rejected: { index: number; code: string; message: string }[] = [];
    for (const [index, event] of events.entries()) {
      const outcome = await recordUsageEvent(tx, owner, event, now);
      if (outcome.kind === 'accepted') accepted++;
      else if (outcome.kind === 'duplicate') duplicates++;
      else rejected.push({ index, code: 'conflict', message: outcome.message });
    }
    return { object: 'usage_events_result' as const, accepted, duplicates, rejected };
  },
});

/** One event of the batch, priced. Throws invalid_request with its path: a wrong batch is refused as a whole. */
function readEvent(context: ApiContext, owner: UsageOwner, given: unknown, i: number, now: Date) {
  const at = `events.${i}`;
  const event = readFields(given, at);
  if (!context.catalog.meterClass(event.meterClass)) {
    throw invalidInput(`${at}.meterClass`, 'is no meter class of the catalogue');
  }
  if (event.units === 0) throw invalidInput(`${at}.units`, 'must not be 0');
  if (event.units < 0 && !event.corrects) {
    throw invalidInput(`${at}.units`, 'may be negative only in a correction (corrects)');
  }
  if (event.units > 0 && event.corrects) {
    throw invalidInput(`${at}.units`, 'must be negative in a correction');
  }
  const occurredAt = new Date(event.occurredAt);
  const ageMs = now.getTime() - occurredAt.getTime();
  if (ageMs < -AHEAD_MS) throw invalidInput(`${at}.occurredAt`, 'lies more than 5 minutes ahead');
  if (ageMs > LATE_DAYS * DAY_MS) {
    throw invalidInput(`${at}.occurredAt`, `lies more than ${LATE_DAYS} days back`);
  }
  return {
    id: event.id,
    price: priceUsage(context.catalog, owner.planKey, event.meterClass),
    units: event.units,
    occurredAt,
    period: invoicePeriod(occurredAt),
    requestId: event.requestId ?? null,
    corrects: event.corrects ?? null,
  };
}

function readFields(given: unknown, at: string): z.output<typeof usageEvent> {
  try {
    return validate(usageEvent, given);
  } catch (error) {
    const issues = (error as Fault).details['issues'] as { path: string; message: string }[];
    const [first] = issues;
    throw new Fault('invalid_request', {
      message: `${at}.${first?.path ?? ''}: ${first?.message ?? 'is invalid'}`,
      details: { issues: issues.map((issue) => ({ ...issue, path: `${at}.${issue.path}` })) },
    });
  }
}

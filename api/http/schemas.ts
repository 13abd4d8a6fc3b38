import { z } from 'zod';
import { isId, type IdPrefix } from '../../platform/ids';

/** Marks a path parameter whose form is not an id of that kind: answered as not_found, like an id that never existed. */
export const NO_SUCH_ID = 'no_such_id';

/** A path parameter that names a thing. */
export function id(...prefixes: [IdPrefix, ...IdPrefix[]]) {
  return z
    .string()
    .refine((text) => prefixes.some((prefix) => isId(prefix, text)), {
      params: { kind: NO_SUCH_ID },
    })
    .meta({ description: `an id (${prefixes.map((prefix) => `${prefix}_…`).join(' or ')})` });
}

/** Text that Postgres can hold: at most `max` characters, Unicode (no half of a surrogate pair), without NUL. */
export function text(max: number, min = 0) {
  return z
    .string()
    .min(min)
    .max(max)
    .refine((value) => !value.includes('\u0000'), 'must not contain a NUL character')
    .refine((value) => value.isWellFormed(), 'must be well-formed Unicode');
}

const FIRST_MS = Date.parse('0001-01-01T00:00:00.000Z');
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** Whether a time lies in the years that both ISO 8601 and Postgres write with four digits; one that is none is told apart. */
function isInFourDigits(text: string): boolean {
  const ms = Date.parse(text);
  return Number.isNaN(ms) || (ms >= FIRST_MS && ms <= LAST_MS);
}

/** A time in a request, of any offset, as it was written. */
export const time = z.iso
  .datetime({ offset: true })
  .refine(isInFourDigits, 'must lie in the years 0001 to 9999, UTC');

/** Whole seconds from 0 to 30: how long a call may wait. */
export function waitSeconds(unlessSaid: number) {
  return z
    .union(
      [z.string().regex(/^([0-9]|[12][0-9]|30)$/), z.int().min(0).max(30)],
      'must be whole seconds from 0 to 30',
    )
    .nullish()
    .transform((value) => Number(value ?? unlessSaid));
}

/** ISO 8601 in a reply: UTC with milliseconds. */
export const timestamp = z.iso.datetime({ precision: 3 });

/** `?limit=`: a positive integer, 25 unless said, clamped to 200. */
export const limit = z.coerce
  .string()
  .regex(/^[1-9][0-9]*$/, 'must be a positive whole number')
  .transform((value) => Math.min(Number(value), 200))
  .default(25);

/** Any text: what is no cursor of the list is told by reading it, as invalid_cursor. */
export const cursor = z.string().optional();

/** `?livemode=` of lists. */
export const livemodeFilter = z
  .enum(['true', 'false'])
  .transform((value) => value === 'true')
  .optional();

/** The page of a list operation. */
export function listOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    object: z.literal('list'),
    data: z.array(item),
    hasMore: z.boolean(),
    nextCursor: z.string().nullable(),
  });
}

/** A moment; a date alone means its midnight, UTC. */
export const moment = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()], 'must be an ISO 8601 date or time')
  .refine(isInFourDigits, 'must lie in the years 0001 to 9999, UTC')
  .transform((value) => new Date(value));

/** A moment that doesn't lie ahead. */
export const past = moment.refine((at) => at.getTime() <= Date.now(), 'must not lie in the future');

/** `?since=` and its like. */
export const pastMoment = past.optional();

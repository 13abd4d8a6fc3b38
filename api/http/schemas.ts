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

/** Text that Postgres can hold: at most `max` characters, without NUL. */
export function text(max: number, min = 0) {
  return z
    .string()
    .min(min)
    .max(max)
    .refine((value) => !value.includes('\u0000'), 'must not contain a NUL character');
}

/** ISO 8601 in a reply: UTC with milliseconds. */
export const timestamp = z.iso.datetime({ precision: 3 });

/** `?limit=`: a positive integer, 25 unless said, clamped to 200. */
export const limit = z.coerce
  .string()
  .regex(/^[1-9][0-9]{0,8}$/, 'must be a positive whole number')
  .transform((value) => Math.min(Number(value), 200))
  .default(25);

export const cursor = z.string().max(512).optional();

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
  .transform((value) => new Date(value));

/** A moment that doesn't lie ahead. */
export const past = moment.refine((at) => at.getTime() <= Date.now(), 'must not lie in the future');

/** `?since=` and its like. */
export const pastMoment = past.optional();

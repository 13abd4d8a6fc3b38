import { CLOCK_ROOM_MS, DAY_MS, HOUR_MS } from '../platform/clock';
import { idStart } from '../platform/ids';

/** A span of time as rollups cover it: whole days, the whole hours around them, and the pieces of hours at its ends. */
export interface RollupSpan {
  /** Hours from here to `hoursUntil` are whole. */
  readonly hoursFrom: Date;
  readonly daysFrom: Date;
  readonly daysUntil: Date;
  readonly hoursUntil: Date;
  /** What no whole hour covers: at most two pieces, read from the rows themselves. */
  readonly pieces: readonly { readonly from: Date; readonly until: Date }[];
}

/** Cuts [since, until) into what rollups cover and what they don't. Times are UTC. */
export function rollupSpan(since: Date, until: Date): RollupSpan {
  const up = (at: number, unit: number): number => Math.ceil(at / unit) * unit;
  const down = (at: number, unit: number): number => Math.floor(at / unit) * unit;
  const [from, to] = [since.getTime(), until.getTime()];
  const hoursFrom = up(from, HOUR_MS);
  const hoursUntil = Math.max(down(to, HOUR_MS), hoursFrom);
  const daysFrom = Math.min(up(hoursFrom, DAY_MS), hoursUntil);
  const daysUntil = Math.max(down(hoursUntil, DAY_MS), daysFrom);
  const pieces =
    hoursFrom >= to
      ? [[from, to] as const]
      : [[from, hoursFrom] as const, [Math.max(hoursUntil, hoursFrom), to] as const];
  return {
    hoursFrom: new Date(hoursFrom),
    daysFrom: new Date(daysFrom),
    daysUntil: new Date(daysUntil),
    hoursUntil: new Date(hoursUntil),
    pieces: pieces
      .filter(([start, end]) => start < end)
      .map(([start, end]) => ({ from: new Date(start), until: new Date(end) })),
  };
}

/**
 * What rollups are read for a span, in SQL: rows `s (grain, starts, ends)`; the values are $n to $n+3: hoursFrom,
 * daysFrom, daysUntil, hoursUntil.
 */
export function spanParts(first: number): string {
  const [hoursFrom, daysFrom, daysUntil, hoursUntil] = [0, 1, 2, 3].map(
    (n) => `$${first + n}::timestamptz`,
  );
  return `(VALUES ('hour', ${hoursFrom}, ${daysFrom}), ('day', ${daysFrom}, ${daysUntil}),
    ('hour', ${daysUntil}, ${hoursUntil})) AS s (grain, starts, ends)`;
}

/**
 * The rows of a rollup that lie in a part `s`, of the organization $1. Compared together, so that only the primary key
 * can be walked, from the first of these rows to the last: never everybody's rows of that time, nor all of one's own.
 */
export function inPart(row: string): string {
  const key = `(${row}.org_id, ${row}.grain, ${row}.starts_at)`;
  return `${key} >= ($1, s.grain, s.starts) AND ${key} < ($1, s.grain, s.ends)`;
}

/** The values that `spanParts` takes. */
export function spanValues(span: RollupSpan): Date[] {
  return [span.hoursFrom, span.daysFrom, span.daysUntil, span.hoursUntil];
}

/** How ids begin that were made between two moments, with room for clocks that differ. */
export function idsBetween(from: Date, until: Date): [string, string] {
  return [idStart(from.getTime() - CLOCK_ROOM_MS), idStart(until.getTime() + CLOCK_ROOM_MS)];
}

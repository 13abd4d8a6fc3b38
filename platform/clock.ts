/** Where the time comes from. Everything that decides by time takes one, so that tests can own it. */
export interface Clock {
  now(): Date;
}

export const systemClock: Clock = { now: () => new Date() };

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
export const DAY_SECONDS = 86_400;

/** How far clocks, and the beginning and end of a transaction, may lie apart. */
export const CLOCK_ROOM_MS = 10 * MINUTE_MS;

/** The invoice period of a moment: its UTC calendar month, `YYYY-MM`. */
export function invoicePeriod(at: Date): string {
  return at.toISOString().slice(0, 7);
}

/** The beginning of the hour (UTC) that lies so many hours back. */
export function hoursAgo(now: Date, hours: number): Date {
  return new Date(Math.floor(now.getTime() / HOUR_MS - hours) * HOUR_MS);
}

/** `2026-03-19 14:20:05`, UTC, for people. */
export function readableTime(at: Date): string {
  return at.toISOString().slice(0, 19).replace('T', ' ');
}

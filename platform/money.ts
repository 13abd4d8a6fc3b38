/** Micro-dollars in a cent. Amounts inside are bigint micro-dollars; cents exist on the wire only. */
export const MICROS_PER_CENT = 10_000n;
export const MICROS_PER_DOLLAR = 1_000_000n;

/** Whole cents for display, rounded half up (a negative amount away from zero at the half, as invoices do). */
export function centsFromMicros(micros: bigint): number {
  const half = MICROS_PER_CENT / 2n;
  const rounded =
    micros < 0n ? -((-micros + half) / MICROS_PER_CENT) : (micros + half) / MICROS_PER_CENT;
  return Number(rounded);
}

/** Micro-dollars of whole cents. Throws RangeError on a fraction. */
export function microsFromCents(cents: number): bigint {
  return BigInt(cents) * MICROS_PER_CENT;
}

/** `$0.0042`: dollars with four decimals, rounded half up, as the cost headers carry them. */
export function dollarsFromMicros(micros: bigint): string {
  const tenThousandths = (micros + 50n) / 100n;
  return `$${tenThousandths / 10_000n}.${String(tenThousandths % 10_000n).padStart(4, '0')}`;
}

/** Dollars as a JSON number, for unit rates (at most six decimals) and amounts on the wire. */
export function usdFromMicros(micros: bigint): number {
  return Number(micros) / Number(MICROS_PER_DOLLAR);
}

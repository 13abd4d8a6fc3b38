/** Stripe doesn't answer, or says that it can't at the moment: the same call may succeed later. */
export class StripeAway extends Error {
  readonly code = 'STRIPE_AWAY';
}

/** Stripe won't do what it was asked, and won't later: a key that is wrong or may too little, an account not set up. */
export class StripeRefused extends Error {
  readonly code = 'STRIPE_REFUSED';
}

interface StripeError {
  readonly statusCode?: number;
  readonly type?: string;
  readonly message: string;
}

/** Runs a call to Stripe. Throws StripeAway or StripeRefused for what Stripe answers; anything else stays what it is. */
export async function asking<Value>(call: () => Promise<Value>): Promise<Value> {
  try {
    return await call();
  } catch (error) {
    const { statusCode: status = 0, type = '', message } = error as StripeError;
    if (!type.startsWith('Stripe')) throw error;
    const away =
      type === 'StripeConnectionError' || status === 429 || status === 409 || status >= 500;
    if (away) throw new StripeAway('Stripe does not answer at the moment', { cause: error });
    throw new StripeRefused(`Stripe refuses: ${message}`, { cause: error });
  }
}

/** What a call answers; null where Stripe has no such object. */
export async function orNull<Value>(call: () => Promise<Value>): Promise<Value | null> {
  try {
    return await call();
  } catch (error) {
    if ((error as StripeError).statusCode === 404) return null;
    throw error;
  }
}

/** Runs a call whose refusal means that it was done before. */
export async function unlessDone(call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (![400, 404].includes((error as StripeError).statusCode ?? 0)) throw error;
  }
}

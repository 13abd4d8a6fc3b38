import { z } from 'zod';
import { insertCheckout, openCheckout, type Checkout } from '../../entities/checkout';
import { makeSession } from '../../entities/checkout-session';
import { logCheckoutEnded } from '../../entities/checkout-ended';
import { abandonCheckout } from '../../entities/end-checkout';
import { enqueue } from '../../entities/outbox';
import { Organization } from '../../entities/organization';
import { StripeAway, StripeRefused, type StripePort } from '../../integrations/stripe';
import { DAY_MS } from '../../platform/clock';
import { Fault } from '../../platform/fault';
import { newId } from '../../platform/ids';
import type { ApiContext, Caller } from '../http/operation';

export const checkoutReply = z.object({
  object: z.literal('billing_checkout_session'),
  id: z.string(),
  orgId: z.string(),
  planKey: z.string(),
  url: z.string().nullable(),
  livemode: z.boolean(),
});

export function presentCheckout(checkout: Checkout): z.input<typeof checkoutReply> {
  const { id, orgId, planKey, url } = checkout;
  return { object: 'billing_checkout_session', id, orgId, planKey, url, livemode: true };
}

/** What somebody wants to buy. */
export interface Wish {
  readonly mode: Checkout['mode'];
  readonly planKey: string;
  readonly interval: Checkout['interval'];
  readonly seats: number;
  readonly successUrl: string;
  readonly cancelUrl: string;
}

/** The server's Stripe. Throws not_configured. */
export function requireStripe({ stripe }: Pick<ApiContext, 'stripe'>): StripePort {
  if (stripe) return stripe;
  throw new Fault('not_configured', {
    message: 'Nothing can be bought on this server: no Stripe key is configured.',
    hint: 'Set STRIPE_SECRET_KEY, or let the operator set the plan.',
  });
}

/**
 * Runs a call to Stripe. Throws dependency_unavailable with Retry-After where it is away, or refuses what only an operator
 * can mend; the log has the reason.
 */
export async function askingStripe<Value>(
  { log }: Pick<ApiContext, 'log'>,
  call: () => Promise<Value>,
): Promise<Value> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof StripeRefused) {
      log.error({ err: error }, 'Stripe refuses a call: look at the key and the account');
      throw new Fault('dependency_unavailable', {
        message: 'Stripe does not accept what this server asks of it.',
        hint: 'The operator finds Stripe’s reason in the log. Ask again later; what was begun is gone on with.',
        retryAfterSeconds: 60,
        cause: error,
      });
    }
    if (!(error instanceof StripeAway)) throw error;
    throw new Fault('dependency_unavailable', {
      message: 'Stripe is away at the moment.',
      hint: 'Ask again; what was begun is gone on with.',
      retryAfterSeconds: 5,
      cause: error,
    });
  }
}

/** People buy with a live key or session. Throws insufficient_scope. */
export function requireLiveBuyer(caller: Caller): void {
  if (caller.livemode) return;
  throw new Fault('insufficient_scope', {
    message: 'A test key cannot buy: test traffic costs nothing.',
    details: { required: ['billing:manage'] },
  });
}

/**
 * Opens a checkout: the row with its workflow's start first, then Stripe's Session under its id. One is open at a time:
 * the same wish again answers it, another one replaces it.
 */
export async function beginCheckout(
  context: ApiContext,
  caller: Caller,
  requestId: string,
  wish: Wish,
): Promise<Checkout> {
  const stripe = requireStripe(context);
  const { db } = context;
  const { orgId } = caller;
  for (;;) {
    const standing = await openCheckout(db, orgId);
    if (standing && isSame(standing, wish)) {
      return payable(context, stripe, standing);
    }
    if (standing) await replace(context, stripe, standing, requestId);
    const opened = await storeIntent(context, caller, requestId, wish);
    if (!opened) continue;
    context.wake('command');
    return payable(context, stripe, opened);
  }
}

/** An open checkout with its Session. Throws conflict where it has ended while the Session was made. */
async function payable(
  context: ApiContext,
  stripe: StripePort,
  checkout: Checkout,
): Promise<Checkout> {
  const { db, catalog, config, clock } = context;
  const made = await askingStripe(context, () =>
    makeSession(db, stripe, catalog, config.PUBLIC_URL, checkout, clock.now()),
  );
  if (made.status === 'open') return made;
  throw new Fault('conflict', {
    message: 'The checkout has ended meanwhile: another took its place, or it was paid.',
    hint: 'GET /v1/billing shows the plan; ask again for another.',
    details: { checkoutId: made.id },
  });
}

function isSame(checkout: Checkout, wish: Wish): boolean {
  const { planKey, interval, seats } = checkout;
  return planKey === wish.planKey && interval === wish.interval && seats === wish.seats;
}

function storeIntent(
  { db, clock }: ApiContext,
  caller: Caller,
  requestId: string,
  wish: Wish,
): Promise<Checkout | null> {
  const now = clock.now();
  const { orgId } = caller;
  return db.transaction(async (tx) => {
    const checkout = await insertCheckout(tx, {
      ...wish,
      id: newId('chk'),
      orgId,
      requestedBy: caller.principalId,
      requestId,
      createdAt: now,
      expiresAt: new Date(now.getTime() + DAY_MS),
    });
    if (!checkout) return null;
    const summary = `${wish.planKey} for ${orgId}`;
    const command = {
      kind: 'start_checkout',
      ref: checkout.id,
      payload: { orgId, summary },
    } as const;
    await enqueue(tx, command, now);
    return checkout;
  });
}

/** Ends an open checkout for the sake of another. What was paid meanwhile stays paid: then it has ended by itself. */
async function replace(
  context: ApiContext,
  stripe: StripePort,
  { id, sessionId, orgId }: Checkout,
  requestId: string,
): Promise<void> {
  if (sessionId !== null) {
    const session = await askingStripe(context, async () => {
      await stripe.expireSession(sessionId);
      return stripe.readSession(sessionId);
    });
    if (session?.status === 'complete') {
      throw new Fault('conflict', {
        message: 'The checkout before this one was just paid.',
        hint: 'GET /v1/billing shows the plan in a moment.',
        details: { checkoutId: id },
      });
    }
  }
  const { catalog, schedule, config, clock } = context;
  const applying = {
    orgId,
    requestId,
    now: clock.now(),
    schedule,
    catalog,
    graceDays: config.PAYMENT_GRACE_DAYS,
  };
  const ended = await context.db.transaction(async (tx) => {
    const checkout = await openCheckout(tx, orgId);
    if (checkout?.id !== id) return null;
    return (await abandonCheckout(tx, applying, checkout, 'expired')) ? checkout : null;
  });
  const end = { status: 'expired', at: applying.now } as const;
  if (ended) logCheckoutEnded(context.log, ended, end, 'next_checkout');
}

/** The plan an organization is on at this moment. */
export async function planOf({ db }: ApiContext, orgId: string): Promise<string> {
  return (await db.getRepository(Organization).findOneByOrFail({ id: orgId })).planKey;
}

import type Router from '@koa/router';
import type { Context } from 'koa';
import { readCheckout } from '../../entities/checkout';
import { enqueue } from '../../entities/outbox';
import { isId } from '../../platform/ids';
import type { ApiContext } from '../http/operation';
import { answerPage, html } from './page';

/** What Stripe would fill in itself in a success URL; parsed URLs may hold it percent-encoded. */
const SESSION_ID = /(\{|%7B)CHECKOUT_SESSION_ID(\}|%7D)/g;

/** Where Stripe sends a customer who paid: asks Stripe at once, then sends them on to where they came from. */
export function mountCheckoutReturn(router: Router, context: ApiContext): void {
  router.get('/checkout/return/:checkoutId', async (ctx: Context) => {
    const id = String((ctx as Context & { params: Record<string, string> }).params['checkoutId']);
    const checkout = isId('chk', id) ? await readCheckout(context.db, id) : null;
    if (!checkout) {
      return answerPage(
        ctx,
        404,
        'There is no such checkout',
        html`<p>Look at your billing page.</p>`,
      );
    }
    const { orgId } = checkout;
    if (checkout.status === 'open') {
      const command = { kind: 'wake_checkout', ref: id, payload: { orgId } } as const;
      await enqueue(context.db, command, context.clock.now());
      context.wake('command');
    }
    ctx.redirect(checkout.successUrl.replaceAll(SESSION_ID, checkout.sessionId ?? ''));
  });
}

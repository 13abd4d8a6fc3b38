import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type Stripe from 'stripe';
import { repositoryRoot } from '../../devstack/repository-root';
import { startFakeStripe, type FakeStripe } from '../../devstack/stripe/server';
import { idOf } from '../../devstack/stripe/shapes/reference';
import { standInForStripe } from '../../devstack/stripe/stand-in';
import { FakeState } from '../../devstack/stripe/state';
import { createStripeClient } from '../../integrations/stripe';
import { send } from '../support/api';

describe('the stand-in for Stripe', () => {
  const root = repositoryRoot();

  it('is not started where STRIPE_SECRET_KEY is set, and nobody is told of it', () => {
    const stack = { port: 1, folder: '/x', secretsKey: 'k', apiUrl: 'http://127.0.0.1:2' };
    expect(standInForStripe({ ...stack, env: { STRIPE_SECRET_KEY: 'sk_live_real' } })).toBeNull();
    expect(standInForStripe({ ...stack, env: {} })?.env.STRIPE_API_URL).toBe('http://127.0.0.1:1');
  });

  it('is reached by no import of what runs in production', () => {
    const seen = new Set<string>();
    const follow = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      const text = readFileSync(file, 'utf8');
      for (const [, path = ''] of text.matchAll(/(?:from|import|require)\s*\(?\s*'(\.[^']+)'/g)) {
        const target = join(dirname(file), path);
        const found = [`${target}.ts`, join(target, 'index.ts')].find((name) => isFile(name));
        if (found) follow(found);
      }
    };
    const entries = [
      'api/server.ts',
      'worker/main.ts',
      'workflows/index.ts',
      'entities/migrate.ts',
    ];
    for (const entry of entries) follow(join(root, entry));
    const commands = readdirSync(join(root, 'cli'), { recursive: true, encoding: 'utf8' });
    for (const name of commands.filter((file) => file.endsWith('.ts'))) {
      follow(join(root, 'cli', name));
    }
    expect(seen.size).toBeGreaterThan(150);
    const strange = [...seen].filter((file) => relative(root, file).startsWith('devstack'));
    expect(strange).toEqual([]);
  });

  describe('answers', () => {
    let fake: FakeStripe;
    let stripe: Stripe;
    beforeAll(async () => {
      fake = await startFakeStripe({
        webhookSecret: 'whsec_x',
        webhookUrl: () => null,
        prices: [
          { lookupKey: 'secapi_personal_month', cents: 5_500, interval: 'month' },
          { lookupKey: 'secapi_team_month', cents: 23_900, interval: 'month' },
        ],
      });
      stripe = createStripeClient('sk_test_x', fake.url);
    });
    afterAll(() => fake.close());

    async function open(): Promise<Stripe.Checkout.Session> {
      const customer = await stripe.customers.create({ name: 'Acme <b>' });
      const price = fake.state.priceOf('secapi_team_month').id;
      return stripe.checkout.sessions.create({
        mode: 'subscription',
        customer: customer.id,
        line_items: [{ price, quantity: 2 }],
        success_url: 'http://127.0.0.1:9/done',
        cancel_url: 'http://127.0.0.1:9/back',
      });
    }
    const click = (url: string, act: string, more = '') =>
      send(url, 'POST', `act=${act}${more}`, {
        'content-type': 'application/x-www-form-urlencoded',
      });

    it('the first reply to an idempotency key again, and refuses another request under it', async () => {
      const key = { idempotencyKey: 'once' };
      const first = await stripe.customers.create({ name: 'one' }, key);
      expect((await stripe.customers.create({ name: 'one' }, key)).id).toBe(first.id);
      await expect(stripe.customers.create({ name: 'two' }, key)).rejects.toMatchObject({
        type: 'StripeIdempotencyError',
      });
    });

    it('404 as Stripe does for what it does not have', async () => {
      await expect(stripe.subscriptions.retrieve('sub_none')).rejects.toMatchObject({
        statusCode: 404,
        type: 'StripeInvalidRequestError',
      });
    });

    it('a payment page that is looked at, declined, left and paid', async () => {
      const { url, id } = await open();
      const page = await send(url ?? '', 'GET');
      expect(page.text).toContain('secapi_team_month: $239.00 a month × 2');
      expect(page.text).toContain('$478.00');
      expect((await click(url ?? '', 'back')).headers.get('location')).toBe(
        'http://127.0.0.1:9/back',
      );
      const declined = await click(url ?? '', 'decline');
      expect((await send(fake.url + declined.headers.get('location'), 'GET')).text).toContain(
        'declined',
      );
      expect((await stripe.checkout.sessions.retrieve(id)).status).toBe('open');
      const paid = await click(url ?? '', 'pay', '&email=cfo%40acme.example');
      expect(paid.headers.get('location')).toBe('http://127.0.0.1:9/done');
      const session = await stripe.checkout.sessions.retrieve(id);
      expect(session).toMatchObject({ status: 'complete', payment_status: 'paid', url: null });
      const customer = await stripe.customers.retrieve(idOf(session.customer));
      expect(customer).toMatchObject({ email: 'cfo@acme.example' });
    });

    it('a portal that changes plan, card and invoices, each told as an event', async () => {
      const session = await open();
      await click(session.url ?? '', 'pay');
      const customer = idOf(session.customer);
      const portal = await stripe.billingPortal.sessions.create({
        customer,
        return_url: 'http://127.0.0.1:9/?a=1&b=2',
      });
      expect((await send(portal.url, 'GET')).text).toContain('secapi_team_month × 2');
      const types = async (act: string, more = ''): Promise<string[]> => {
        const before = fake.state.events.length;
        expect((await click(portal.url, act, more)).status).toBe(303);
        return fake.state.events.slice(before).map(({ type }) => type);
      };
      const plan = '&price=secapi_personal_month&seats=1';
      expect(await types('change', plan)).toContain('customer.subscription.updated');
      expect((await send(portal.url, 'GET')).text).toContain('secapi_personal_month × 1');
      expect(await types('uncard')).toEqual(['payment_method.detached']);
      expect(await types('card')).toEqual(['payment_method.attached']);
      expect(await types('fail')).toContain('invoice.payment_failed');
      expect(await types('recover')).toEqual(['customer.subscription.updated']);
      expect(await types('cancel')).toEqual(['customer.subscription.updated']);
      expect(await types('resume')).toEqual(['customer.subscription.updated']);
      expect(await types('refund')).toEqual(['charge.refunded', 'refund.created']);
      expect(await types('dispute')).toEqual(['charge.dispute.created']);
      expect(await types('end')).toEqual(['customer.subscription.deleted']);
    });

    it('its events newest first, a page after another', async () => {
      const ids: string[] = [];
      for await (const event of stripe.events.list({ limit: 3 })) ids.push(event.id);
      expect(ids).toEqual(fake.state.events.map(({ id }) => id).reverse());
    });

    it('with all that it knew after a restart', () => {
      const again = new FakeState(
        () => '',
        () => undefined,
      );
      again.restore(fake.state.snapshot());
      expect(again.snapshot()).toBe(fake.state.snapshot());
    });
  });
});

function isFile(name: string): boolean {
  try {
    return readFileSync(name).length >= 0;
  } catch {
    return false;
  }
}

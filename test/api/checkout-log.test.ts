import { paySession } from '../../devstack/stripe/acts/pay-session';
import { DAY_MS } from '../../platform/clock';
import type { Tenant } from '../support/api';
import { openShop, type Shop } from '../support/shop';
import { until } from '../support/until';

describe('the end of a checkout in the log', () => {
  let shop: Shop;
  let acme: Tenant;
  beforeAll(async () => {
    shop = await openShop();
  });
  beforeEach(async () => {
    acme = await shop.api.newTenant({ planKey: 'sandbox_grant' });
  });
  afterAll(() => shop.close());

  const open = async (planKey: string): Promise<string> => {
    const { body } = await acme.call('POST', '/v1/billing/checkout', { planKey });
    return body.id as string;
  };
  const ends = (checkoutId: string): Record<string, unknown>[] =>
    shop.logged
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((fact) => fact['msg'] === 'checkout ended' && fact['checkoutId'] === checkoutId);

  it('is one line with ids, outcome, how long it was open and what woke it, however often it is asked', async () => {
    const id = await open('team');
    const sessionId = shop.sessionOf(id).id;
    paySession(shop.stripe.state, sessionId);
    await until(
      async () => {
        await shop.applyEvents();
        return ends(id);
      },
      (found) => found.length > 0,
    );
    for (const wokenBy of ['signal', 'timer'] as const)
      await shop.activities.pollCheckout(id, wokenBy);
    await shop.work();
    expect(ends(id)).toEqual([
      expect.objectContaining({
        orgId: acme.orgId,
        sessionId,
        requestId: expect.stringMatching(/^req_/) as string,
        planKey: 'team',
        mode: 'subscription',
        status: 'completed',
        openMs: expect.any(Number) as number,
        wokenBy: 'webhook',
      }),
    ]);
  });

  it('says that the next checkout took its place, and that its time had come', async () => {
    const [first, second] = [await open('team'), await open('personal')];
    expect(ends(first)).toMatchObject([{ status: 'expired', wokenBy: 'next_checkout' }]);
    shop.pass(DAY_MS);
    for (let asked = 0; asked < 3; asked++) await shop.activities.pollCheckout(second, 'timer');
    expect(ends(second)).toMatchObject([{ status: 'expired', wokenBy: 'timer' }]);
    expect(ends(second)[0]?.['openMs']).toBeGreaterThanOrEqual(DAY_MS);
  });
});

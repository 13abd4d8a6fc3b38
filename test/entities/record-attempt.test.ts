import { claimFreshAttempts } from '../../entities/claim-attempt';
import { STANDARD_SCHEDULE } from '../../entities/delivery-schedule';
import { recordFailure } from '../../entities/record-attempt';
import { startApi, type Tenant, type TestApi } from '../support/api';

describe('a 410 Gone that is recorded', () => {
  let api: TestApi;
  let tenant: Tenant;
  beforeAll(async () => {
    api = await startApi();
  });
  beforeEach(async () => {
    tenant = await api.newTenant();
  });
  afterAll(() => api.close());

  /** The endpoint's status after an attempt at its URL was answered 410; the URL may change while it is under way. */
  async function statusAfterGone(meanwhile: object | null): Promise<string> {
    const { db } = api.database;
    const { body } = await tenant.call('POST', '/v1/webhook_endpoints', {
      destinationUrl: 'http://127.0.0.1:9/old',
    });
    const path = `/v1/webhook_endpoints/${body.id}`;
    await tenant.call('POST', '/v1/events', { type: 'filing.published', data: {} });
    const query = { now: new Date(), limit: 100, perEndpoint: 100, busy: new Map() };
    const claims = await claimFreshAttempts(db, query);
    const claim = claims.find(({ endpointId }) => endpointId === body.id);
    if (!claim) throw new Error('nothing was claimed');
    if (meanwhile) await tenant.call('PATCH', path, meanwhile);
    const { deliveryId, attemptId, attempt, destinationUrl, orgId, endpointId, eventType } = claim;
    const outcome = {
      deliveryId,
      attemptId,
      attempt,
      labels: { orgId, endpointId, eventType },
      destinationUrl,
      ok: false,
      httpStatus: 410,
      error: 'http_410',
      latencyMs: 1,
      retryAfterMs: null,
      responseBody: null,
      endedAt: Date.now(),
    };
    await recordFailure(db, outcome, STANDARD_SCHEDULE);
    return (await tenant.call('GET', path)).body.status as string;
  }

  it('disables the endpoint', async () => {
    expect(await statusAfterGone(null)).toBe('disabled');
  });

  it('says nothing of an endpoint that has moved to another URL meanwhile', async () => {
    const moved = { destinationUrl: 'http://127.0.0.1:9/new' };
    expect(await statusAfterGone(moved)).toBe('active');
  });
});

import { loadCatalog } from '../../catalog/load-catalog';
import { requirePlansInUse } from '../../entities/plans-in-use';
import { StartError } from '../../platform/or-exit';
import { startApi, type Tenant, type TestApi } from '../support/api';

describe('a plan that the catalogue has no longer', () => {
  let api: TestApi;
  let tenant: Tenant;
  beforeAll(async () => {
    api = await startApi();
    tenant = await api.newTenant();
    await api.newTenant();
  });
  afterAll(() => api.close());

  it('keeps a process from starting, with its name and whose it is', async () => {
    const { db } = api.database;
    const catalog = loadCatalog();
    await requirePlansInUse(db, catalog);
    await db.query(`UPDATE organizations SET plan_key = 'gone' WHERE id = $1`, [tenant.orgId]);
    const refusal = requirePlansInUse(db, catalog);
    await expect(refusal).rejects.toBeInstanceOf(StartError);
    await expect(refusal).rejects.toThrow(/gone \(1 organization\(s\), first org_\w+\)/);
  });

  it('leaves answers whole where one is met all the same', async () => {
    const answer = await tenant.call('GET', '/v1/me');
    expect(answer).toMatchObject({ status: 200, body: { principal: { publicPlanKey: 'gone' } } });
    expect(answer.headers.get('request-id')).toBe(answer.body.requestId);
    expect(answer.headers.get('secapi-plan-key')).toBe('gone');
    expect(answer.headers.get('secapi-estimated-cost')).toBe('$0.0000');
    const broken = await tenant.call('GET', '/v1/billing');
    expect(broken).toMatchObject({ status: 500, body: { code: 'internal_error' } });
    expect(broken.headers.get('request-id')).toBe(broken.body.requestId);
  });
});

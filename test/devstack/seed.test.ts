import { seed, type Seeded } from '../../devstack/seed';
import { ApiKey, hashKeySecret } from '../../entities/api-key';
import { Organization } from '../../entities/organization';
import { freshDatabase, type TestDatabase } from '../support/database';

describe('seeding the dev stack', () => {
  let database: TestDatabase;
  let before: Seeded;
  beforeEach(async () => {
    database = await freshDatabase();
    before = await seed(database.url, {});
  });
  afterEach(() => database.close());

  const change = (secret: string, to: Partial<ApiKey>) =>
    database.db.getRepository(ApiKey).update({ hash: hashKeySecret(secret) }, to);
  const works = (secret: string) =>
    database.db.getRepository(ApiKey).existsBy({ hash: hashKeySecret(secret), status: 'active' });

  it('keeps keys that work', async () => {
    expect(await seed(database.url, before)).toEqual(before);
  });

  it.each(['apiKey', 'testApiKey', 'operatorKey'] as const)(
    'makes the %s alone anew, where it was before, once it was revoked',
    async (name) => {
      await change(before[name], { status: 'revoked', revokedAt: new Date() });
      const after = await seed(database.url, before);
      expect(after).toEqual({ ...before, [name]: expect.any(String) });
      expect(after[name]).not.toBe(before[name]);
      expect(await works(after[name])).toBe(true);
      expect(await database.db.getRepository(Organization).count()).toBe(2);
    },
  );

  it('makes one anew that has expired or may do less than before', async () => {
    await change(before.apiKey, { expiresAt: new Date(Date.now() - 1_000) });
    await change(before.testApiKey, { scopes: ['read:sec'] });
    const after = await seed(database.url, before);
    expect(after.apiKey).not.toBe(before.apiKey);
    expect(after.testApiKey).not.toBe(before.testApiKey);
    expect(after.operatorKey).toBe(before.operatorKey);
  });

  it('makes everything anew in another database', async () => {
    const other = await freshDatabase();
    const after = await seed(other.url, before);
    expect(after.orgId).not.toBe(before.orgId);
    expect(after.apiKey).not.toBe(before.apiKey);
    await other.close();
  });
});

import { ApiKey, SCOPES, type Scope } from '../entities/api-key';
import { createOrganization, mintApiKey } from '../entities/create-organization';
import { createDataSource } from '../entities/data-source';

/** What the dev stack needs to be tried: an organization on the team plan with keys of both modes, and an operator. */
export interface Seeded {
  readonly orgId: string;
  readonly apiKey: string;
  readonly testApiKey: string;
  readonly operatorKey: string;
}

/** Keeps what was seeded before if its keys still work, else makes it anew. */
export async function seed(databaseUrl: string, before: Partial<Seeded>): Promise<Seeded> {
  const db = createDataSource({ url: databaseUrl, poolSize: 2, applicationName: 'secapi-seed' });
  await db.initialize();
  try {
    const { orgId, apiKey, testApiKey, operatorKey } = before;
    if (orgId && apiKey && testApiKey && operatorKey) {
      const known = await db.getRepository(ApiKey).existsBy({ orgId, status: 'active' });
      if (known) return { orgId, apiKey, testApiKey, operatorKey };
    }
    return await db.transaction(async (tx) => {
      const now = new Date();
      const scopes = SCOPES.filter((scope) => scope !== 'admin:operator');
      const acme = await createOrganization(tx, { name: 'Acme Research', planKey: 'team', now });
      acme.cardOnFile = true;
      await tx.save(acme);
      const house = await createOrganization(tx, { name: 'Operators', planKey: 'team', now });
      const mint = async (
        org: { id: string },
        livemode: boolean,
        held: readonly Scope[],
        label: string,
      ) => (await mintApiKey(tx, { orgId: org.id, livemode, scopes: held, label, now })).secret;
      return {
        orgId: acme.id,
        apiKey: await mint(acme, true, scopes, 'seeded live key'),
        testApiKey: await mint(acme, false, scopes, 'seeded test key'),
        operatorKey: await mint(house, true, SCOPES, 'seeded operator key'),
      };
    });
  } finally {
    await db.destroy();
  }
}

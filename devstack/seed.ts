import type { EntityManager } from 'typeorm';
import { ApiKey, hashKeySecret, SCOPES, type Scope } from '../entities/api-key';
import { createOrganization, mintApiKey } from '../entities/create-organization';
import { createDataSource } from '../entities/data-source';
import { Organization } from '../entities/organization';

/** What the dev stack needs to be tried: an organization on the team plan with keys of both modes, and an operator. */
export interface Seeded {
  readonly orgId: string;
  readonly apiKey: string;
  readonly testApiKey: string;
  readonly operatorKey: string;
}

const OF_ACME = SCOPES.filter((scope) => scope !== 'admin:operator');

/** Keeps each key that was seeded before and still works; makes the others anew, in the organization they were of. */
export async function seed(databaseUrl: string, before: Partial<Seeded>): Promise<Seeded> {
  const db = createDataSource({ url: databaseUrl, poolSize: 2, applicationName: 'secapi-seed' });
  await db.initialize();
  try {
    return await db.transaction(async (tx) => {
      const now = new Date();
      const acme =
        (await tx.findOneBy(Organization, { id: before.orgId ?? '' })) ?? (await newAcme(tx, now));
      const key = (secret: string | undefined, livemode: boolean, label: string): Promise<string> =>
        keepOrMint(tx, secret, { org: acme, livemode, scopes: OF_ACME, label, now });
      return {
        orgId: acme.id,
        apiKey: await key(before.apiKey, true, 'seeded live key'),
        testApiKey: await key(before.testApiKey, false, 'seeded test key'),
        operatorKey: await operatorKey(tx, before.operatorKey, now),
      };
    });
  } finally {
    await db.destroy();
  }
}

async function newAcme(tx: EntityManager, now: Date): Promise<Organization> {
  const acme = await createOrganization(tx, { name: 'Acme Research', planKey: 'team', now });
  acme.cardOnFile = true;
  return tx.save(acme);
}

async function operatorKey(
  tx: EntityManager,
  secret: string | undefined,
  now: Date,
): Promise<string> {
  const orgId = (await findKey(tx, secret))?.orgId ?? '';
  const org =
    (await tx.findOneBy(Organization, { id: orgId })) ??
    (await createOrganization(tx, { name: 'Operators', planKey: 'team', now }));
  const wanted = { org, livemode: true, scopes: SCOPES, label: 'seeded operator key', now };
  return keepOrMint(tx, secret, wanted);
}

async function keepOrMint(
  tx: EntityManager,
  secret: string | undefined,
  wanted: {
    readonly org: Organization;
    readonly livemode: boolean;
    readonly scopes: readonly Scope[];
    readonly label: string;
    readonly now: Date;
  },
): Promise<string> {
  const { org, now, ...more } = wanted;
  const key = await findKey(tx, secret);
  const works =
    key?.orgId === org.id &&
    key.status === 'active' &&
    key.livemode === more.livemode &&
    key.ipAllowlist === null &&
    (key.expiresAt === null || key.expiresAt > now) &&
    more.scopes.every((scope) => key.scopes.includes(scope));
  if (works && secret !== undefined) return secret;
  return (await mintApiKey(tx, { ...more, orgId: org.id, now })).secret;
}

async function findKey(tx: EntityManager, secret: string | undefined): Promise<ApiKey | null> {
  return secret === undefined ? null : tx.findOneBy(ApiKey, { hash: hashKeySecret(secret) });
}

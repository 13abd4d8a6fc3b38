import type { EntityManager } from 'typeorm';
import { newId } from '../platform/ids';
import { ApiKey, hashKeySecret, keyPrefixOf, newKeySecret, type Scope } from './api-key';
import { Organization, stateOfPlan } from './organization';

/** A new organization on a plan that is in force at once. The plan key must be the catalogue's. */
export async function createOrganization(
  tx: EntityManager,
  {
    name,
    planKey,
    now,
  }: { readonly name: string | null; readonly planKey: string; readonly now: Date },
): Promise<Organization> {
  return tx.save(
    tx.create(Organization, {
      id: newId('org'),
      name,
      metadata: {},
      planKey,
      billingState: stateOfPlan(planKey),
      requestsPerMinute: null,
      apiKeyLimit: null,
      seatLimit: null,
      suspendedAt: null,
      createdAt: now,
    }),
  );
}

export interface NewApiKey {
  /** Made here unless given. */
  readonly id?: string;
  readonly orgId: string;
  readonly livemode: boolean;
  readonly scopes: readonly Scope[];
  readonly label: string | null;
  readonly now: Date;
  readonly createdBy?: string | null;
  readonly expiresAt?: Date | null;
  readonly ipAllowlist?: readonly string[] | null;
  readonly replaces?: string | null;
}

/** A new key and, this once, its secret. */
export async function mintApiKey(
  tx: EntityManager,
  wanted: NewApiKey,
): Promise<{ key: ApiKey; secret: string }> {
  const secret = newKeySecret(wanted.livemode);
  const key = await tx.save(
    tx.create(ApiKey, {
      id: wanted.id ?? newId('key'),
      orgId: wanted.orgId,
      livemode: wanted.livemode,
      label: wanted.label,
      keyPrefix: keyPrefixOf(secret),
      hash: hashKeySecret(secret),
      scopes: [...wanted.scopes],
      status: 'active',
      ipAllowlist: wanted.ipAllowlist ? [...wanted.ipAllowlist] : null,
      replaces: wanted.replaces ?? null,
      createdBy: wanted.createdBy ?? null,
      createdAt: wanted.now,
      expiresAt: wanted.expiresAt ?? null,
      revokedAt: null,
      lastUsedAt: null,
    }),
  );
  return { key, secret };
}

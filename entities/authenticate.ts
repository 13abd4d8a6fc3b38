import { invoicePeriod } from '../platform/clock';
import { hashKeySecret, isKeySecret, type Scope } from './api-key';
import { SCOPES_OF_ROLE, type Role } from './member';
import { run, statement, type Executor } from './sql';

/** Who is calling and for which organization, and what the response headers tell of it. */
export interface Principal {
  /** `key_…` or `usr_…`. */
  readonly principalId: string;
  /** Whom the credential names: the key's id, or the issuer's subject. */
  readonly subject: string;
  readonly authMode: 'api_key' | 'bearer';
  readonly orgId: string;
  readonly livemode: boolean;
  readonly scopes: readonly Scope[];
  readonly planKey: string;
  readonly billingState: string;
  readonly suspended: boolean;
  readonly ipAllowlist: readonly string[] | null;
  /** What an operator set instead of the plan's. */
  readonly requestsPerMinute: number | null;
  readonly accruedMicros: bigint;
  /** Calls of the free grant used or held this month. */
  readonly grantUsed: number;
}

interface OrganizationColumns {
  readonly org_id: string;
  readonly plan_key: string;
  readonly billing_state: string;
  readonly suspended: boolean;
  readonly requests_per_minute: number | null;
  readonly accrued_micros: string | null;
  readonly grant_used: number | null;
}

const ORGANIZATION = `o.id AS org_id, o.plan_key, o.requests_per_minute, o.suspended_at IS NOT NULL AS suspended,
     CASE WHEN o.suspended_at IS NULL THEN o.billing_state ELSE 'restricted_read_only' END AS billing_state,
     b.accrued_micros, b.grant_used + b.grant_held AS grant_used`;

const findByHash = statement<
  OrganizationColumns & {
    readonly id: string;
    readonly livemode: boolean;
    readonly scopes: Scope[];
    readonly ip_allowlist: string[] | null;
  }
>(
  'authenticate',
  `SELECT k.id, k.livemode, k.scopes, k.ip_allowlist, ${ORGANIZATION}
   FROM api_keys k
   JOIN organizations o ON o.id = k.org_id
   LEFT JOIN budget_periods b ON b.org_id = k.org_id AND b.period = $2
   WHERE k.hash = $1 AND k.status = 'active' AND (k.expires_at IS NULL OR k.expires_at > $3)`,
);

/** Looks a key up by its hash, in one query. Null for a malformed, unknown, revoked or expired one alike. */
export async function authenticate(
  db: Executor,
  secret: string,
  now: Date,
): Promise<Principal | null> {
  if (!isKeySecret(secret)) return null;
  const [row] = await run(db, findByHash, [hashKeySecret(secret), invoicePeriod(now), now]);
  if (!row) return null;
  return {
    principalId: row.id,
    subject: row.id,
    authMode: 'api_key',
    livemode: row.livemode,
    scopes: row.scopes,
    ipAllowlist: row.ip_allowlist,
    ...organizationOf(row),
  };
}

const findMember = statement<
  OrganizationColumns & { readonly user_id: string; readonly role: Role }
>(
  'authenticate-person',
  `WITH person AS (
     SELECT u.id FROM users u WHERE u.address = $1 OR (u.issuer = $2 AND u.subject = $3)
     ORDER BY u.address = $1 DESC NULLS LAST LIMIT 1)
   SELECT m.user_id, m.role, ${ORGANIZATION}
   FROM person JOIN members m ON m.user_id = person.id
   JOIN organizations o ON o.id = m.org_id
   LEFT JOIN budget_periods b ON b.org_id = m.org_id AND b.period = $5
   WHERE $4::text IS NULL OR m.org_id = $4
   ORDER BY m.created_at, m.org_id LIMIT 1`,
);

/** Whom an identity provider says a person is. */
export interface PersonIdentity {
  readonly issuer: string;
  readonly subject: string;
  /** The verified address, normalized; null where the provider vouches for none. */
  readonly address: string | null;
}

/**
 * Finds the membership that a signed-in person acts in: the organization asked for, else the one they joined first.
 * By verified address, else by the subject an earlier sign-in left. Sessions are live. Null where there is none.
 */
export async function authenticatePerson(
  db: Executor,
  person: PersonIdentity,
  wantedOrgId: string | null,
  now: Date,
): Promise<Principal | null> {
  const { issuer, subject, address } = person;
  const values = [address, issuer, subject, wantedOrgId, invoicePeriod(now)];
  const [row] = await run(db, findMember, values);
  if (!row) return null;
  return {
    principalId: row.user_id,
    subject,
    authMode: 'bearer',
    livemode: true,
    scopes: SCOPES_OF_ROLE[row.role],
    ipAllowlist: null,
    ...organizationOf(row),
  };
}

function organizationOf(row: OrganizationColumns) {
  return {
    orgId: row.org_id,
    planKey: row.plan_key,
    billingState: row.billing_state,
    suspended: row.suspended,
    requestsPerMinute: row.requests_per_minute,
    accruedMicros: BigInt(row.accrued_micros ?? 0),
    grantUsed: row.grant_used ?? 0,
  };
}

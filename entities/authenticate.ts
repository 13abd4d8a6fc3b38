import { invoicePeriod } from '../platform/clock';
import { hashKeySecret, isKeySecret, type Scope } from './api-key';
import { run, statement, type Executor } from './sql';

/** Whom a key speaks for, and what the response headers tell of its organization. */
export interface Principal {
  readonly keyId: string;
  readonly orgId: string;
  readonly livemode: boolean;
  readonly scopes: readonly Scope[];
  readonly planKey: string;
  readonly billingState: string;
  readonly suspended: boolean;
  readonly ipAllowlist: readonly string[] | null;
  readonly accruedMicros: bigint;
  /** Calls of the free grant used or held this month. */
  readonly grantUsed: number;
}

interface PrincipalRow {
  readonly id: string;
  readonly org_id: string;
  readonly livemode: boolean;
  readonly scopes: Scope[];
  readonly ip_allowlist: string[] | null;
  readonly plan_key: string;
  readonly billing_state: string;
  readonly suspended: boolean;
  readonly accrued_micros: string | null;
  readonly grant_used: number | null;
}

const findByHash = statement<PrincipalRow>(
  'authenticate',
  `SELECT k.id, k.org_id, k.livemode, k.scopes, k.ip_allowlist, o.plan_key, o.billing_state,
     o.suspended_at IS NOT NULL AS suspended, b.accrued_micros, b.grant_used + b.grant_held AS grant_used
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
    keyId: row.id,
    orgId: row.org_id,
    livemode: row.livemode,
    scopes: row.scopes,
    planKey: row.plan_key,
    billingState: row.billing_state,
    suspended: row.suspended,
    ipAllowlist: row.ip_allowlist,
    accruedMicros: BigInt(row.accrued_micros ?? 0),
    grantUsed: row.grant_used ?? 0,
  };
}

import { randomUUID } from 'node:crypto';
import { Fault } from '../platform/fault';
import { run, statement, type Executor } from './sql';

/** For how long a request under work keeps others with its key out, and for how long its reply is replayed. */
const LEASE = '60 s';
const KEPT = '24 hours';

export interface IdempotencyScope {
  readonly orgId: string;
  readonly livemode: boolean;
  /** Operation name. */
  readonly route: string;
  readonly key: string;
}

export type IdempotencyClaim =
  | { readonly kind: 'claimed'; readonly claimId: string }
  | { readonly kind: 'replay'; readonly status: number; readonly replySealed: string };

interface ClaimRow {
  readonly mine: boolean;
  readonly same: boolean;
  readonly reply_status: number | null;
  readonly reply_sealed: string | null;
}

const claim = statement<ClaimRow>(
  'idempotency-claim',
  `WITH taken AS (
     INSERT INTO idempotency_keys AS k (org_id, livemode, route, key, claim_id, request_hash, locked_until, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7::timestamptz + interval '${LEASE}', $7)
     ON CONFLICT (org_id, livemode, route, key) DO UPDATE
     SET claim_id = $5, request_hash = $6, reply_status = NULL, reply_sealed = NULL,
       locked_until = excluded.locked_until,
       created_at = CASE WHEN k.created_at < $7::timestamptz - interval '${KEPT}' THEN $7 ELSE k.created_at END
     WHERE (k.reply_status IS NOT NULL OR k.locked_until < $7)
       AND (k.created_at < $7::timestamptz - interval '${KEPT}'
         OR k.reply_status IS NULL AND k.request_hash = $6)
     RETURNING claim_id)
   SELECT true AS mine, true AS same, NULL::int AS reply_status, NULL AS reply_sealed FROM taken
   UNION ALL
   SELECT false, request_hash = $6, reply_status, reply_sealed FROM idempotency_keys
   WHERE org_id = $1 AND livemode = $2 AND route = $3 AND key = $4 AND NOT EXISTS (SELECT FROM taken)`,
);

/**
 * Claims a key for a request, or answers the reply that its first use got. Throws idempotency_key_reused for another
 * request under the same key and idempotency_key_in_flight while the first one is being worked on.
 */
export async function claimIdempotencyKey(
  db: Executor,
  scope: IdempotencyScope,
  requestHash: Buffer,
  now: Date,
): Promise<IdempotencyClaim> {
  const claimId = randomUUID();
  const [row] = await run(db, claim, [...whereValues(scope), claimId, requestHash, now]);
  if (row?.mine) return { kind: 'claimed', claimId };
  if (row && !row.same) throw new Fault('idempotency_key_reused');
  if (row?.reply_status && row.reply_sealed !== null) {
    return { kind: 'replay', status: row.reply_status, replySealed: row.reply_sealed };
  }
  throw new Fault('idempotency_key_in_flight', { retryAfterSeconds: 1 });
}

const keep = statement<{ claim_id: string }>(
  'idempotency-keep',
  `UPDATE idempotency_keys SET reply_status = $6, reply_sealed = $7
   WHERE org_id = $1 AND livemode = $2 AND route = $3 AND key = $4 AND claim_id = $5 AND reply_status IS NULL
   RETURNING claim_id`,
);

/**
 * Keeps the reply of a claimed request, in the transaction of its change. False where the claim lapsed and another
 * request took it over: then the change must not be committed beside the other's.
 */
export async function keepIdempotentReply(
  tx: Executor,
  scope: IdempotencyScope,
  claimId: string,
  reply: { readonly status: number; readonly sealed: string },
): Promise<boolean> {
  const kept = await run(tx, keep, [...whereValues(scope), claimId, reply.status, reply.sealed]);
  return kept.length > 0;
}

const release = statement(
  'idempotency-release',
  `DELETE FROM idempotency_keys
   WHERE org_id = $1 AND livemode = $2 AND route = $3 AND key = $4 AND claim_id = $5 AND reply_status IS NULL`,
);

/** Lets a claimed key go, so that the request may be sent again; not one whose reply was kept, in a commit perhaps whose answer was lost. */
export async function releaseIdempotencyKey(
  db: Executor,
  scope: IdempotencyScope,
  claimId: string,
): Promise<void> {
  await run(db, release, [...whereValues(scope), claimId]);
}

function whereValues({ orgId, livemode, route, key }: IdempotencyScope): unknown[] {
  return [orgId, livemode, route, key];
}

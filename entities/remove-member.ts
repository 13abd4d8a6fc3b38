import { run, statement, type Executor } from './sql';

const revoke = statement<{
  id: string;
  label: string | null;
  key_prefix: string;
  livemode: boolean;
}>(
  'revoke-keys-of-user',
  `WITH RECURSIVE made (id) AS (
     SELECT k.id FROM api_keys k WHERE k.org_id = $1 AND k.created_by = $2
     UNION
     SELECT k.id FROM api_keys k JOIN made ON k.created_by = made.id WHERE k.org_id = $1),
   tokens AS (
     UPDATE bootstrap_tokens t SET expires_at = least(t.expires_at, $3), updated_at = $3
     WHERE t.org_id = $1 AND t.used_at IS NULL
       AND (t.actor_principal_id = $2 OR t.actor_principal_id IN (SELECT id FROM made)))
   UPDATE api_keys k SET status = 'revoked', revoked_at = $3
   FROM made WHERE k.id = made.id AND k.status = 'active'
   RETURNING k.id, k.label, k.key_prefix, k.livemode`,
);

/** A key that died because its maker left. */
export interface RevokedKey {
  readonly id: string;
  readonly label: string | null;
  readonly keyPrefix: string;
  readonly livemode: boolean;
}

/**
 * Revokes every key that a person made in an organization, and the keys those made, and ends their unused bootstrap
 * tokens. Answers the keys that were active.
 */
export async function revokeKeysOfUser(
  tx: Executor,
  orgId: string,
  userId: string,
  now: Date,
): Promise<RevokedKey[]> {
  const rows = await run(tx, revoke, [orgId, userId, now]);
  return rows.map(({ id, label, key_prefix, livemode }) => ({
    id,
    label,
    keyPrefix: key_prefix,
    livemode,
  }));
}

import type { EntityManager } from 'typeorm';
import { Fault } from '../platform/fault';
import { BootstrapToken, hashBootstrapSecret, isBootstrapSecret } from './bootstrap-token';
import { run, statement } from './sql';

const use = statement<{ id: string }>(
  'use-bootstrap-token',
  `UPDATE bootstrap_tokens t SET used_at = $2, updated_at = $2, used_by_principal_id = $3
   WHERE t.hash = $1 AND t.used_at IS NULL AND t.expires_at > $2
     AND NOT EXISTS (SELECT FROM api_keys k WHERE k.id = t.actor_principal_id
       AND (k.status = 'revoked' OR k.expires_at <= $2))
   RETURNING t.id`,
);

/**
 * Uses a token up, for the key of the given id: once, also when many try at the same moment. Throws
 * authentication_failed for a used, expired or unknown one, or one whose maker's key is dead, alike.
 */
export async function useBootstrapToken(
  tx: EntityManager,
  secret: string,
  keyId: string,
  now: Date,
): Promise<BootstrapToken> {
  const [used] = isBootstrapSecret(secret)
    ? await run(tx, use, [hashBootstrapSecret(secret), now, keyId])
    : [];
  if (!used) {
    throw new Fault('authentication_failed', {
      message: 'This bootstrap token is not valid.',
      hint: 'A token works once and for a limited time; ask for a new one.',
    });
  }
  return tx.findOneByOrFail(BootstrapToken, { id: used.id });
}

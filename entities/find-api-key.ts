import type { EntityManager } from 'typeorm';
import { Fault } from '../platform/fault';
import { ApiKey } from './api-key';

/** An organization's key, locked until the transaction ends. Throws not_found; to a test key a live one is none. */
export async function lockApiKey(
  tx: EntityManager,
  caller: { readonly orgId: string; readonly livemode: boolean },
  keyId: string,
): Promise<ApiKey> {
  const key = await tx.findOne(ApiKey, {
    where: { id: keyId, orgId: caller.orgId },
    lock: { mode: 'pessimistic_write' },
  });
  if (!key || (key.livemode && !caller.livemode)) throw new Fault('not_found');
  return key;
}

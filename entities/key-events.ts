import type { ApiKey } from './api-key';
import type { DeliverySchedule } from './delivery-schedule';
import { emitEvent } from './publish-event';
import type { Executor } from './sql';

/** Tells the organization that a key is dead. */
export async function emitRevoked(
  tx: Executor,
  key: Pick<ApiKey, 'id' | 'orgId' | 'livemode' | 'label' | 'keyPrefix'>,
  requestId: string,
  now: Date,
  schedule: DeliverySchedule,
): Promise<void> {
  const { orgId, livemode, id, label, keyPrefix } = key;
  const data = { apiKeyId: id, label, keyPrefix };
  await emitEvent(tx, { orgId, livemode, type: 'api_key.revoked', data, requestId, now, schedule });
}

import { IsNull } from 'typeorm';
import { Fault } from '../platform/fault';
import type { Executor } from './sql';
import { WebhookEndpoint } from './webhook-endpoint';

/** An organization's endpoint, to be read. Throws not_found; to a test key a live one is none. */
export async function findEndpoint(
  db: Executor,
  caller: { readonly orgId: string; readonly livemode: boolean },
  endpointId: string,
): Promise<WebhookEndpoint> {
  const endpoint = await db
    .getRepository(WebhookEndpoint)
    .findOneBy({ id: endpointId, orgId: caller.orgId, deletedAt: IsNull() });
  if (!endpoint || (endpoint.livemode && !caller.livemode)) throw new Fault('not_found');
  return endpoint;
}

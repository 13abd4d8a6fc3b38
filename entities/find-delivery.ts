import { Fault } from '../platform/fault';
import { isId } from '../platform/ids';
import type { Executor } from './sql';
import { WebhookAttempt } from './webhook-attempt';
import { WebhookDelivery } from './webhook-delivery';

type Viewer = { readonly orgId: string; readonly livemode: boolean };

/** An organization's delivery. Throws not_found; to a test key a live one is none. */
export async function findDelivery(
  db: Executor,
  caller: Viewer,
  deliveryId: string,
): Promise<WebhookDelivery> {
  const delivery = await db
    .getRepository(WebhookDelivery)
    .findOneBy({ id: deliveryId, orgId: caller.orgId });
  if (!delivery || (delivery.livemode && !caller.livemode)) throw new Fault('not_found');
  return delivery;
}

/** The delivery that an id names, its own (`wd_`) or that of one of its attempts (`wdel_`), with the attempt meant. */
export async function findDeliveryByAnyId(
  db: Executor,
  caller: Viewer,
  id: string,
): Promise<{ delivery: WebhookDelivery; attemptId: string | null }> {
  if (isId('wd', id)) {
    const delivery = await findDelivery(db, caller, id);
    const latest = await db
      .getRepository(WebhookAttempt)
      .findOne({ where: { deliveryId: id }, order: { attempt: 'DESC' } });
    return { delivery, attemptId: latest?.id ?? null };
  }
  const attempt = await db.getRepository(WebhookAttempt).findOneBy({ id, orgId: caller.orgId });
  if (!attempt) throw new Fault('not_found');
  return { delivery: await findDelivery(db, caller, attempt.deliveryId), attemptId: id };
}

import { z } from 'zod';
import { cancelDelivery } from '../../entities/cancel-delivery';
import { findDelivery } from '../../entities/find-delivery';
import { enqueue } from '../../entities/outbox';
import { Fault } from '../../platform/fault';
import { operation } from '../http/operation';
import { id } from '../http/schemas';
import { deliveryReply, presentDelivery } from './present-delivery';

export const cancelDeliveryOperation = operation({
  name: 'cancelDelivery',
  method: 'post',
  path: '/v1/deliveries/:deliveryId/cancel',
  summary: 'Cancel a pending delivery',
  tag: 'deliveries',
  scope: 'write:sec',
  transaction: 'one',
  audits: 'webhook_delivery.cancelled',
  input: z.object({ deliveryId: id('wd') }),
  reply: deliveryReply,
  async handle({ tx, input, caller, now, context, audit, afterCommit }) {
    const { deliveryId } = input;
    const before = await findDelivery(tx, caller, deliveryId);
    const decided = await cancelDelivery(tx, deliveryId, now);
    const delivery = await findDelivery(tx, caller, deliveryId);
    if (!decided) {
      if (delivery.status === 'cancelled') return presentDelivery(delivery);
      throw new Fault('conflict', {
        message: `The delivery is ${delivery.status} already.`,
        hint: 'Only a pending delivery can be cancelled.',
      });
    }
    const { orgId, endpointId, eventType } = delivery;
    const payload = { orgId, endpointId, eventType, signal: { name: 'cancel' } } as const;
    await enqueue(tx, { kind: 'signal_delivery', ref: deliveryId, payload }, now);
    afterCommit(() => context.wake('command'));
    audit({
      action: 'webhook_delivery.cancelled',
      target: { type: 'webhook_delivery', id: deliveryId },
      before: { status: before.status },
      after: { status: 'cancelled' },
    });
    return presentDelivery(delivery);
  },
});

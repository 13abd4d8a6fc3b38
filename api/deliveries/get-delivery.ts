import { z } from 'zod';
import { findDelivery } from '../../entities/find-delivery';
import { WebhookAttempt } from '../../entities/webhook-attempt';
import { operation } from '../http/operation';
import { id } from '../http/schemas';
import { attemptReply, presentAttempt } from './present-attempt';
import { deliveryReply, presentDelivery } from './present-delivery';

const MOST_ATTEMPTS = 200;

export const getDelivery = operation({
  name: 'getDelivery',
  method: 'get',
  path: '/v1/deliveries/:deliveryId',
  summary: 'Show a delivery with its attempts, the first one first',
  tag: 'deliveries',
  scope: 'read:sec',
  transaction: 'none',
  input: z.object({ deliveryId: id('wd') }),
  reply: deliveryReply.extend({ attemptRecords: z.array(attemptReply) }),
  async handle({ tx, input, caller }) {
    const delivery = await findDelivery(tx, caller, input.deliveryId);
    const attempts = await tx.getRepository(WebhookAttempt).find({
      where: { deliveryId: delivery.id },
      order: { attempt: 'ASC' },
      take: MOST_ATTEMPTS,
    });
    const attemptRecords = attempts.map((attempt) => presentAttempt(attempt, delivery));
    return { ...presentDelivery(delivery), attemptRecords };
  },
});
